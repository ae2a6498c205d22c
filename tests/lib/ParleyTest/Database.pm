package ParleyTest::Database;

# The private database of a stack, through the mariadb command line.

use v5.36;

use Carp   qw(croak);
use Encode qw(decode encode_utf8);
use Mojo::DOM;

use ParleyTest::Process;

# Named: socket, user, name, dir (for scratch files).
sub new ($class, %o) { return bless {%o}, $class }

# Runs one statement and returns its rows as hashes, NULL as undef; all values are text. A `?`
# stands for one of @bind and must not occur inside of a literal. Bytes that are not UTF-8 come
# back damaged: SELECT HEX(column) for those.
sub sql ($self, $query, @bind) {
	my $wanted = () = $query =~ /\?/g;
	croak "$wanted placeholders, " . @bind . ' values' if $wanted != @bind;
	$query =~ s/\?/literal(shift @bind)/ge;

	my ($exit, $out, $err) = ParleyTest::Process::capture([
		'mariadb', '--no-defaults', '-S', $self->{socket}, '-u', $self->{user},
		'--default-character-set=utf8mb4', '--xml', $self->{name},
	], stdin => encode_utf8($query), dir => $self->{dir});
	croak "mariadb: $err in: $query" if $exit;
	my $result = Mojo::DOM->new->xml(1)->parse(decode('UTF-8', $out));
	return map { row($_) } $result->find('row')->each;
}

sub row ($element) {
	return { map {
		$_->attr('name') => $_->attr('xsi:nil') ? undef : $_->text
	} $element->children('field')->each };
}

sub literal ($value) {
	return 'NULL' unless defined $value;
	return $value if $value =~ /\A-?(?:0|[1-9]\d{0,17})(?:\.\d+)?\z/;
	return "''" unless length $value;
	return sprintf "CONVERT(x'%s' USING utf8mb4)", unpack 'H*', encode_utf8($value);
}

1;
