#!/usr/bin/perl
# The dialect "session": records of a conversation, and what masks hide.

use v5.36;
use utf8;

use Mojo::JSON qw(to_json);
use ParleyTest;
use ParleyTest::Arena qw(begin);
use ParleyTest::Chat;
use Test::More;

my $p = ParleyTest->new(models => 2, workers => 1, user => undef);
my @ann = login($p, 'ann', name => 'Ann');
my $s = new_chat($p, \@ann, title => 'records');
my $id = $s->{id};
my $models = $p->get('/v1/chat/models', @ann)->json->{list};

sub records ($fields, @who) {
	return $p->post('/v1/chat/session/records', json => $fields, @who ? @who : @ann);
}

is_deeply records({ sessionId => $id })->json, { list => [], total => 0 }, 'none yet';

# One of each kind.
my %shown = (running => 'processing', stop => 'finished_success', length => 'finished_success',
    content_filter => 'finished_success', stopped => 'finished_success', error => 'finished_fail',
    timeout => 'finished_timeout');
my @cited = map { { documentId => $_, fileName => "$_.txt", segment => 0, text => '原文 "x"',
    score => 0.5 } } 7, 8;
my %id = map { $_ => an_answer($p, $id, question => "Q $_", status => $_,
    text => $_ eq 'running' ? undef : "A $_") } sort grep { $_ ne 'stop' } keys %shown;
$id{stop} = an_answer($p, $id, question => '问题', text => '回答', status => 'stop',
    citations => [map { to_json($_) } @cited]);
my %record = map { $_->{id} => $_ } @{ records({ sessionId => $id })->json->{list} };
is $record{ $id{$_} }{status}, $shown{$_}, "$_: $shown{$_}" for sort keys %shown;
is $record{ $id{running} }{answerText}, '', 'what still runs has said nothing';
is $record{ $id{error} }{answerText}, 'A error', 'what failed keeps what it said';
my $row = $p->sql('SELECT t.id, a.created_ms FROM turn t JOIN answer a ON a.turn = t.id'
    . ' WHERE a.id = ?', $id{stop})->[0];
my $model = $models->[0];
my $want = { id => $id{stop}, sessionId => $id, groupId => $row->{id}, modelId => $model->{id},
	authorId => $s->{author}{id}, author => $s->{author}, model => $model,
	contentType => 'text', problemText => '问题', answerText => '回答',
	status => 'finished_success', createAt => $row->{created_ms}, citations => \@cited };
is_deeply $record{ $id{stop} }, $want, 'all of a record';
ok !exists $record{ $id{length} }{citations}, 'no citations are left out';
like records({ sessionId => $id, size => 1 })->body,
    qr/"id":$id{stop},"sessionId":$id,"groupId":\d+,"modelId":\d+,/, 'ids are numbers';

# A regeneration shares the group.
my $regenerated = an_answer($p, $id, question => '问题', text => 'once more', group => $row->{id});
is records({ sessionId => $id, size => 1 })->json->{list}[0]{groupId}, $row->{id},
    'a regeneration is of the same group';

# Pages, newest first; with the session the latest 200, oldest first.
my $after = $regenerated + 1000;
$p->sql('INSERT INTO turn (id, tenant, owner, session, group_id, worker, private, voice, question,'
    . ' created_ms, ended_ms) SELECT ? + seq, tenant, owner, session, ? + seq, 1, 0, voice, ?,'
    . ' created_ms, ended_ms FROM turn JOIN seq_1_to_205 WHERE id = ?', $after, $after, 'Q',
    $row->{id});
$p->sql('INSERT INTO answer (id, turn, session, lane, model, status, text, created_ms)'
    . ' SELECT ? + seq, ? + seq, session, lane, model, status, text, created_ms'
    . ' FROM answer JOIN seq_1_to_205 WHERE id = ?', $after, $after, $id{stop});
my @all = map { $after + $_ } 1 .. 205;
my $page = records({ sessionId => $id })->json;
is $page->{total}, 213, 'the total';
is_deeply [map { $_->{id} } @{ $page->{list} }], [reverse @all[185 .. 204]], '20, newest first';
$page = records({ sessionId => $id, page => 11, size => 20 })->json;
is_deeply [map { $_->{id} } @{ $page->{list} }], [reverse(@all[0 .. 4]), $regenerated, $id{stop},
    sort { $b <=> $a } map { $id{$_} } grep { $_ ne 'stop' } keys %id], 'the last page';
is_deeply $page->{list}[6]{citations}, \@cited, 'citations stay with theirs';
is_deeply records({ sessionId => $id, page => 12 })->json->{list}, [], 'and no more';
is scalar @{ records({ sessionId => $id, size => 200 })->json->{list} }, 200, '200 at most';
my $got = $p->get("/v1/chat/session/$id", @ann)->json;
is_deeply [map { $_->{id} } @{ $got->{records} }], [@all[5 .. 204]], 'with the session: 200';
is $got->{session}{totalRecords}, 213, 'of all';
my ($listed) = grep { $_->{id} == $id } @{ $p->post('/v1/chat/session/search', json => {},
    @ann)->json->{list} };
is $listed->{totalRecords}, 213, 'also in a list';

for my $bad ([{}, 'sessionId'], [{ sessionId => "$id" }, 'sessionId'],
    [{ sessionId => undef }, 'sessionId'], [{ sessionId => $id, page => -1 }, 'page'],
    [{ sessionId => $id, size => 201 }, 'size'], [{ sessionId => $id, size => '5' }, 'size'],
    [{ sessionId => 1.5 }, 'sessionId'], [{ sessionId => [$id] }, 'sessionId']) {
	chat_refused records($bad->[0]), 400, qr/$bad->[1]/, '400: ' . to_json($bad->[0]);
}
chat_refused records({ sessionId => $_ }), 404, qr/session/, "404: session $_" for 0, -1, 4711;

# A session of the arena is one of these; as long as it wears masks nobody is named.
my ($ref) = begin($p, '哪个模型?');
my $arena = 0 + ($ref =~ s/chat_//r);
$p->sql('UPDATE session SET owner = ? WHERE id = ?', $s->{author}{id}, $arena);
my @masked = ($p->get("/v1/chat/session/$arena", @ann), records({ sessionId => $arena }),
	$p->post('/v1/chat/session/search', json => {}, @ann),
	$p->get("/v1/chat/data/session/$arena", login($p, 'root', role => 'admin')),
	$p->post('/v1/chat/data/session/search', json => {}, login($p, 'root', role => 'admin')));
is $_->code, 200, 'a session of the arena' for @masked;
my $his = $masked[0]->json;
is_deeply [@{ $his->{session} }{qw(module type totalRecords)}], [1, 'chat', 2],
    'is a plain chat of two records';
is $_->{status}, 'finished_success', 'answered' for @{ $his->{records} };
is $his->{records}[0]{groupId}, $his->{records}[1]{groupId}, 'to one question';
for my $r (@masked[0, 1, 3]) {
	my $list = $r->json->{records} // $r->json->{list};
	is scalar(grep { exists $_->{model} || exists $_->{modelId} } @$list), 0, 'none is named';
	is_deeply [$p->reveals($r->body =~ s/"(?:answer|problem)Text":"(?:\\.|[^"\\])*"//gr)], [],
	    'nowhere';
}
ok !exists $_->{model}, 'nor is one in a list'
    for grep { $_->{id} == $arena } map { @{ $_->json->{list} } } @masked[2, 4];
$p->sql('UPDATE session SET revealed_ms = 1 WHERE id = ?', $arena);
my %named = map { $_->{model}{code} => $_->{modelId} }
    @{ records({ sessionId => $arena })->json->{list} };
is_deeply \%named, { map { $_->{code} => $_->{id} } @$models }, 'without masks all are';

$p->no_errors_logged;
done_testing;
