#!/usr/bin/perl
# Datasets: documents gathered under a name, their owner's alone.

use v5.36;
use utf8;

use Test::More;

use ParleyTest;
use ParleyTest::Chat;

my $p = ParleyTest->new(models => 1, workers => 1, user => undef);
my @ann = login($p, 'ann', name => '安', avatar => 'http://x/a.png');
my @bob = login($p, 'bob');
my $ANY = 999;			# an id that nobody has

sub document ($who) {
	return $p->post('/v1/chat/document', @$who, json => { fileName => 'a.txt',
	    url => 'http://x.invalid/a.txt' })->json->{document}{id};
}

sub make ($who, %fields) { return $p->post('/v1/chat/dataset', @$who, json => \%fields) }
sub got ($id) { return $p->get("/v1/chat/dataset/$id", @ann)->json }

sub found ($who, %query) {
	my $r = $p->post('/v1/chat/dataset/search', @$who, json => \%query);
	return ($r->json->{total}, map { $_->{name} } @{ $r->json->{list} });
}

my ($one, $two, $his) = (document(\@ann), document(\@ann), document(\@bob));

# Making.
my $r = make(\@ann, name => '资料', documentIds => [$two, $one]);
is $r->code, 200, 'a dataset is made';
my $set = $r->json->{dataset};
is_deeply [sort keys %{ $r->json }], ['dataset'], 'and told';
like $r->body, qr/"id":$set->{id}\b/, 'its id is a number';
cmp_ok abs($set->{createdAt} - 1000 * time), '<', 60000, 'its time, in milliseconds';
is "$set->{name} $set->{totalDocuments}", '资料 2', 'what is in it';
is_deeply [@{ $set->{author} }{qw(name avatar)}], ['安', 'http://x/a.png'], 'whose it is';
my $whole = got($set->{id});
is_deeply $whole->{dataset}, $set, 'it is there';
is_deeply [map { $_->{id} } @{ $whole->{documents} }], [$two, $one],
    'its documents, in the order given';
is $whole->{documents}[0]{fileName}, 'a.txt', 'each with what is known of it';
is make(\@ann, name => '空')->json->{dataset}{totalDocuments}, 0, 'an empty one';
my $before = $p->sql('SELECT COUNT(*) AS n FROM dataset')->[0]{n};
chat_refused make(\@ann, name => 'x', documentIds => [$one, $his]), 404, qr/document $his/,
    'with a stranger\'s document';
chat_refused make(\@ann, name => 'x', documentIds => [$ANY]), 404, qr/document $ANY/, 'with none';
chat_refused make(\@ann), 400, qr/name/, 'without a name';
chat_refused make(\@ann, name => ''), 400, qr/name/, 'with an empty one';
chat_refused make(\@ann, name => 'x' x 201), 400, qr/name/, 'with a long one';
chat_refused make(\@ann, name => 'x', documentIds => 'y'), 400, qr/documentIds/, 'with no list';
is $p->sql('SELECT COUNT(*) AS n FROM dataset')->[0]{n}, $before, 'none of these was made';

# In and out.
sub files ($verb, $who, $id, @ids) {
	return $p->post("/v1/chat/dataset/${verb}_files", @$who,
	    json => { id => $id, documentIds => \@ids });
}
sub holds ($name, @ids) {
	my $got = got($set->{id});
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_deeply [$got->{dataset}{totalDocuments}, sort map { $_->{id} }
	    @{ $got->{documents} }], [scalar @ids, sort @ids], $name;
}
chat_done files(remove => \@ann, $set->{id}, $one), 'one out';
holds('is out', $two);
chat_done files(remove => \@ann, $set->{id}, $one), 'again';
chat_done files(add => \@ann, $set->{id}, $one, $two, $one), 'in';
holds('each is in once', $one, $two);
for my $verb (qw(add remove)) {
	chat_refused files($verb, \@ann, $set->{id}, $one, $his), 404, qr/document $his/,
	    "$verb: a stranger's";
	chat_refused files($verb, \@ann, $set->{id}, $ANY), 404, qr/document $ANY/,
	    "$verb: nobody's";
	chat_refused files($verb, \@bob, $set->{id}, $his), 404, qr/dataset $set->{id}/,
	    "$verb: in a stranger's";
	chat_refused files($verb, \@ann, $ANY, $one), 404, qr/dataset $ANY/, "$verb: in none";
	chat_refused files($verb, \@ann, $set->{id}), 400, qr/documentIds/, "$verb: nothing";
	holds('nothing has changed', $one, $two);
}

# Renaming, by both ways.
chat_done $p->post('/v1/chat/dataset/rename', @ann, json => { id => $set->{id}, name => '新' }),
    'renamed';
is got($set->{id})->{dataset}{name}, '新', 'it is';
chat_done $p->put("/v1/chat/dataset/$set->{id}", @ann, json => { dataset => { name => '更新' } }),
    'changed';
is got($set->{id})->{dataset}{name}, '更新', 'it is too';
chat_done $p->put("/v1/chat/dataset/$set->{id}", @ann, json => { dataset => {
    id => $ANY, totalDocuments => 7 } }), 'nothing of it is said';
is got($set->{id})->{dataset}{name}, '更新', 'so nothing changes';
holds('in it neither', $one, $two);
chat_refused $p->put("/v1/chat/dataset/$set->{id}", @ann, json => { dataset => { name => '' } }),
    400, qr/name/, 'no name';
chat_refused $p->put("/v1/chat/dataset/$set->{id}", @ann, json => {}), 400, qr/dataset/,
    'no dataset';
chat_refused $p->post('/v1/chat/dataset/rename', @ann, json => { id => $set->{id} }), 400, qr/name/,
    'no new name';

# Finding.
my @eve = login($p, 'eve');
make(\@eve, name => $_) for '年度报告', '100%', 'a_b', 'a\b', 'Summary';
is_deeply [found(\@eve)], [5, 'Summary', 'a\b', 'a_b', '100%', '年度报告'], 'newest first';
is_deeply [found(\@eve, name => '度报')], [1, '年度报告'], 'Chinese';
is_deeply [found(\@eve, name => '%')], [1, '100%'], '%';
is_deeply [found(\@eve, name => '_')], [1, 'a_b'], '_';
is_deeply [found(\@eve, name => '\\')], [1, 'a\b'], '\\';
is_deeply [found(\@eve, name => 'sum')], [1, 'Summary'], 'in whatever case';
is_deeply [found(\@eve, page => 2, size => 2)], [5, 'a_b', '100%'], 'a page';
chat_refused $p->post('/v1/chat/dataset/search', @eve, json => { size => 201 }), 400, qr/size/,
    'too large a page';

# A document that is deleted is in none.
chat_done $p->del("/v1/chat/document/$two", @ann), 'a document is deleted';
holds('and is not in it', $one);

# Strangers, and ids that are none.
for my $case (['to see', $p->get("/v1/chat/dataset/$set->{id}", @bob)],
    ['to rename', $p->post('/v1/chat/dataset/rename', @bob, json => { id => $set->{id},
	name => 'x' })],
    ['to change', $p->put("/v1/chat/dataset/$set->{id}", @bob, json => { dataset => {
	name => 'x' } })],
    ['to change nothing', $p->put("/v1/chat/dataset/$set->{id}", @bob, json => { dataset => {} })],
    ['to delete', $p->del("/v1/chat/dataset/$set->{id}", @bob)]) {
	chat_refused $case->[1], 404, qr/dataset $set->{id}/, "a stranger's, $case->[0]";
}
chat_refused $p->get("/v1/chat/dataset/$_", @ann), 404, qr/dataset/, "id $_"
    for '0', '-1', 'x', '9' x 30, '%F0%9F%98%80';

# Deleting: the documents stay, the conversation goes on without.
my $chat = new_chat($p, \@ann, module => 2, type => 'spark_dataset_chat', datasetId => $set->{id});
is $p->get("/v1/chat/session/$chat->{id}", @ann)->json->{dataset}{id}, $set->{id},
    'a conversation rests on it';
chat_done $p->del("/v1/chat/dataset/$set->{id}", @ann), 'deleted';
chat_refused $p->get("/v1/chat/dataset/$set->{id}", @ann), 404, qr/$set->{id}/, 'gone';
chat_refused $p->del("/v1/chat/dataset/$set->{id}", @ann), 404, qr/$set->{id}/, 'only once';
is $p->get("/v1/chat/document/$one", @ann)->code, 200, 'its document stays';
my $read = $p->get("/v1/chat/session/$chat->{id}", @ann)->json;
is $read->{dataset}, undef, 'the conversation too';
sub saves ($fields) {
	return $p->post('/v1/chat/session', @ann, json => { session => $fields });
}
is_deeply saves($read->{session})->json->{session}, $read->{session}, 'is saved as it was read';
is_deeply saves({ %$chat, title => 'read before' })->json->{session},
    { %{ $read->{session} }, title => 'read before' }, 'and as it was before';
chat_refused saves({ %$chat, datasetId => $ANY }), 404, qr/dataset $ANY/, 'but on no other';
chat_refused $p->post('/v1/chat/session', @ann, json => { session => { module => 2,
    type => 'spark_dataset_chat', datasetId => $set->{id} } }), 404, qr/dataset $set->{id}/,
    'nor can a new one begin on it';
my $single = new_chat($p, \@ann, module => 2, type => 'spark_documents_chat',
    documentIds => [$one]);
chat_refused saves({ %$single, documentIds => [] }), 400, qr/documentIds/,
    'a conversation keeps what it rests on';
chat_done $p->del("/v1/chat/document/$one", @ann), 'its only document is deleted';
$read = $p->get("/v1/chat/session/$single->{id}", @ann)->json->{session};
is_deeply saves({ %$read, documentIds => [] })->json->{session}, $read,
    'it is saved as it was read, too';

# Without a token.
for my $row ([GET => '/1'], [PUT => '/1'], [DELETE => '/1'], map { [POST => $_] } '',
    qw(/rename /search /add_files /remove_files)) {
	chat_refused $p->request($row->[0], "/v1/chat/dataset$row->[1]",
	    $row->[0] =~ /^P/ ? (json => {}) : ()), 401, qr/token/, "@$row: without a token";
}
$p->no_errors_logged;
done_testing;
