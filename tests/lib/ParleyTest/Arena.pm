package ParleyTest::Arena;

# What the arena's tests say again and again.

use v5.36;
use utf8;

use Exporter   qw(import);
use Mojo::JSON qw(encode_json);
use Test::More ();

# Names of tests hold Chinese.
binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

our @EXPORT = qw(body begin create refused done_true row_count);

# The body of a question. Named: user, task, session, pri, and any field of its own.
sub body ($p, $question, %o) {
	my $user = exists $o{user} ? delete $o{user} : 'tester';
	return {
		taskId => delete $o{task} // $p->task($user),
		messages => delete $o{messages} // [{ role => 'user', content => $question }],
		exists $o{session} ? (session_id => delete $o{session}) : (),
		exists $o{pri}     ? (priId => delete $o{pri})          : (),
		%o,
	};
}

# Asks in a new session; returns its id, its priIds by mask, and the stream. Options as for body.
sub begin ($p, $question = 'What is a spool?', %o) {
	my $user = $o{user} // 'tester';
	my $s = $p->stream(POST => '/conv/chat', json => body($p, $question, %o), user => $user);
	my $lanes = $p->lanes($s->events);
	Test::More::diag('no session began: ' . $s->code . ' ' . $s->body) unless %$lanes;
	return ($s->events->[0]{data}{session_id},
	    { map { $_ => $lanes->{$_}{priId} } keys %$lanes }, $s);
}

# POST /conv/create; returns the reply's data.
sub create ($p, %o) {
	my $user = $o{user} // 'tester';
	my $r = $p->post('/conv/create', json => body($p, 'Hello', %o), user => $user);
	Test::More::diag('/conv/create: ' . $r->code . ' ' . $r->body) unless $r->code == 200;
	return ($r->json // {})->{data};
}

# A test: the reply fails with this status, in the arena's envelope, its msg like that.
sub refused ($reply, $status, $like, $name) {
	my $json = $reply->json;
	my $ok = $reply->code == $status && ref $json eq 'HASH'
	    && join(',', sort keys %$json) eq 'code,data,msg'
	    && $json->{code} == $status && !defined $json->{data} && $json->{msg} =~ $like
	    && ($reply->header('content-type') // '') =~ m{^application/json};
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return Test::More::ok($ok, $name)
	    || Test::More::diag("wanted $status $like, got " . $reply->code . ' '
	    . ($reply->error // $reply->body));
}

# A test: the reply is {"code":200,"msg":...,"data":true}.
sub done_true ($reply, $name) {
	my $json = $reply->json // {};
	my $ok = $reply->code == 200 && ($json->{code} // 0) == 200 && $json->{msg} eq '执行成功!'
	    && ref $json->{data} && $json->{data};
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return Test::More::ok($ok, $name) || Test::More::diag('got ' . $reply->code . ' '
	    . $reply->body);
}

# Rows of all tables that requests write, as one text: equal texts, nothing was stored.
sub row_count ($p) {
	return join ' ', map { "$_=" . $p->sql("SELECT COUNT(*) AS n FROM $_")->[0]{n} }
	    qw(task session lane turn answer citation ledger vote rating);
}

1;
