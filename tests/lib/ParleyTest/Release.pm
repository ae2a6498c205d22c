package ParleyTest::Release;

# What the tests of published assistants say again and again.

use v5.36;

use Exporter   qw(import);
use Mojo::JSON qw(decode_json encode_json);
use Test::More ();

our @EXPORT = qw($CHAT an_assistant differs release_refused);
our $CHAT = '/studio/rag/data/v1/release:chat';

# An assistant that answers by m-a unless the arguments of `parley assistant add` say otherwise:
# {id, version, release_key}. It is published (publish => 0: not; 'public': for everybody).
sub an_assistant ($p, %o) {
	my $publish = delete $o{publish} // 1;
	my %args = (model => 'm-a', %o);
	my ($exit, $out, $err) = $p->parley('assistant', 'add', 'Helper', '--json', map {
		my $name = $_;
		map { ("--$name", $_) } ref $args{$name} ? @{ $args{$name} } : $args{$name};
	} sort keys %args);
	die "assistant add: $err" if $exit;
	my $made = decode_json($out);
	($exit, undef, $err) = $p->parley('assistant', 'publish', $made->{id},
	    $publish eq 'public' ? '--public' : ()) if $publish;
	die "assistant publish: $err" if $exit;
	return $made;
}

# A test: the reply fails with that status and google.rpc.Code, its message like that, in the
# envelope of the source document. Returns the details by their types.
sub release_refused ($reply, $status, $code, $like, $name) {
	my $json = $reply->json;
	my $ok = $reply->code == $status && ref $json eq 'HASH'
	    && join(',', sort keys %$json) eq 'code,details,message' && $json->{code} == $code
	    && $json->{message} =~ $like && ref $json->{details} eq 'ARRAY';
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	Test::More::ok($ok, $name)
	    || Test::More::diag("wanted $status/$code $like, got " . $reply->code . ' '
	    . ($reply->error // $reply->body));
	return { map { $_->{'@type'} =~ s{^type\.googleapis\.com/google\.rpc\.}{}r => $_ }
	    @{ $ok ? $json->{details} : [] } };
}

# Where a value is not of the form of an example: other members, or other types. Of an array each
# element has the form of the example's first.
sub differs ($v, $example, $at = '') {
	my ($is, $wants) = map { type($_) } $v, $example;
	return "$at: $is, not $wants" if $is ne $wants;
	return map { differs($v->[$_], $example->[0], "$at\[$_]") } 0 .. $#$v if $is eq 'ARRAY';
	return () if $is ne 'HASH';
	my %all = (%$v, %$example);
	return map { !exists $v->{$_} ? "$at.$_ is missing" : !exists $example->{$_}
	    ? "$at.$_ is more" : differs($v->{$_}, $example->{$_}, "$at.$_") } sort keys %all;
}

sub type ($v) {
	return ref $v || (!defined $v ? 'null' : encode_json([$v]) =~ /^\["/ ? 'string' : 'number');
}

1;
