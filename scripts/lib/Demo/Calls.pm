package Demo::Calls;

# Calls of tools, as steps for Demo::Player.

use v5.36;

use Exporter qw(import);

our @EXPORT_OK = qw(call_steps);

# Tool calls as a model streams them: the name first, then the arguments in pieces.
sub call_steps (@calls) {
	my @steps;

	for my $i (0 .. $#calls) {
		my $call = $calls[$i];
		push @steps, { chunk => { tool_calls => [{
			index    => $i,
			id       => $call->{id},
			type     => 'function',
			function => { name => $call->{name}, arguments => '' },
		}] } };
		push @steps, map { { chunk => { tool_calls => [{
			index    => $i,
			function => { arguments => $_ },
		}] } } } $call->{arguments} =~ /.{1,12}/gs;
	}
	return @steps;
}

1;
