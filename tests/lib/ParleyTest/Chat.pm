package ParleyTest::Chat;

# What the tests of the dialect "session" say again and again.

use v5.36;
use utf8;

use Digest::SHA  qw(hmac_sha256 hmac_sha384 hmac_sha512);
use Exporter     qw(import);
use MIME::Base64 qw(encode_base64url);
use Mojo::JSON   qw(encode_json);
use Test::More   ();

use ParleyTest::Process;

# Names of tests hold Chinese.
binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

our @EXPORT = qw(jwt login chat_refused chat_done new_chat a_document a_dataset an_answer);

my %hmac = (HS256 => \&hmac_sha256, HS384 => \&hmac_sha384, HS512 => \&hmac_sha512,
    NONE => sub { '' });
my $n = 0;

# A token with these claims, valid for an hour unless they say otherwise (undef: no such claim).
# Named: alg, secret (the stack's).
sub jwt ($p, $claims, %o) {
	my %claims = (exp => time + 3600, %$claims);
	delete $claims{$_} for grep { !defined $claims{$_} } keys %claims;
	my $alg = $o{alg} // 'HS256';
	my $secret = $o{secret} // ParleyTest::Process::slurp("$p->{stack}/secrets/jwt") =~ s/\n//r;
	my $text = join '.', map { encode_base64url(encode_json($_)) }
	    { alg => $alg, typ => 'JWT' }, \%claims;
	return "$text." . encode_base64url($hmac{ uc $alg }->($text, $secret));
}

# Options of a request by that user; more claims as names.
sub login ($p, $user, %claims) {
	return (user => undef,
	    headers => { Authorization => 'Bearer ' . jwt($p, { sub => $user, %claims }) });
}

# A test: the reply fails with this status, in the dialect's envelope, its msg like that.
sub chat_refused ($reply, $status, $like, $name) {
	my $json = $reply->json;
	my $ok = $reply->code == $status && ref $json eq 'HASH'
	    && join(',', sort keys %$json) eq 'code,msg'
	    && $json->{code} == $status && $json->{msg} =~ $like
	    && ($reply->header('content-type') // '') =~ m{^application/json};
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return Test::More::ok($ok, $name)
	    || Test::More::diag("wanted $status $like, got " . $reply->code . ' '
	    . ($reply->error // $reply->body));
}

# A test: the reply is {}.
sub chat_done ($reply, $name) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return Test::More::ok($reply->code == 200 && $reply->body eq '{}', $name)
	    || Test::More::diag('got ' . $reply->code . ' ' . $reply->body);
}

# Begins a session of these fields; returns it as the reply has it.
sub new_chat ($p, $who, %fields) {
	my $r = $p->post('/v1/chat/session', json => { session => \%fields }, @$who);
	Test::More::diag('/v1/chat/session: ' . $r->code . ' ' . $r->body) if $r->code != 200;
	return ($r->json // {})->{session};
}

sub user_id ($p, $user) {
	return $p->sql('SELECT id, tenant FROM user WHERE subject = ?', $user)->[0]
	    // die "no user $user\n";
}

# Rows of a user who has called before, as if they had been made; ids.

sub a_document ($p, $user, $name = 'a.txt') {
	my $u = user_id($p, $user);
	my $id = 1000 + ++$n;
	$p->sql('INSERT INTO document (id, tenant, owner, file_name, type, media_type, size,'
	    . " status, segments, created_ms) VALUES (?, ?, ?, ?, 'txt', 'text/plain', 1025,"
	    . " 'ready', 3, 1700000000000)", $id, $u->{tenant}, $u->{id}, $name);
	return $id;
}

sub a_dataset ($p, $user, $name = 'set') {
	my $u = user_id($p, $user);
	my $id = 1000 + ++$n;
	$p->sql('INSERT INTO dataset (id, tenant, owner, name, created_ms)'
	    . ' VALUES (?, ?, ?, ?, 1700000000000)', $id, $u->{tenant}, $u->{id}, $name);
	return $id;
}

# In that session, lane 0, by the lane's model. Named: question, text, status, group, citations.
sub an_answer ($p, $session, %o) {
	my $s = $p->sql('SELECT s.tenant, s.owner, l.model FROM session s JOIN lane l'
	    . ' ON l.session = s.id AND l.lane = 0 WHERE s.id = ?', $session)->[0];
	my $turn = $session + 2 * ++$n;
	my $id = $turn + 1;
	my $status = $o{status} // 'stop';
	$p->sql('INSERT INTO turn (id, tenant, owner, session, group_id, worker, private, voice,'
	    . " question, created_ms, ended_ms) VALUES (?, ?, ?, ?, ?, 1, 0, 'arena', ?, ?, ?)",
	    $turn, $s->{tenant}, $s->{owner}, $session, $o{group} // $turn, $o{question} // 'Q',
	    1800000000000 + $n, $status eq 'running' ? undef : 1800000000500);
	$p->sql('INSERT INTO answer (id, turn, session, lane, model, status, text, created_ms)'
	    . ' VALUES (?, ?, ?, 0, ?, ?, ?, ?)',
	    $id, $turn, $session, $s->{model}, $status, $o{text}, 1800000000000 + $n);
	my $k = 0;
	$p->sql('INSERT INTO citation (answer, position, body) VALUES (?, ?, ?)', $id, $k++, $_)
	    for @{ $o{citations} // [] };
	return $id;
}

1;
