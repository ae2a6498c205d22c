#!/usr/bin/perl
# The dialect "session": beginning, changing, listing and deleting conversations.

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Arena qw(body);
use ParleyTest::Chat;
use Test::More;

my $p = ParleyTest->new(models => 2, workers => 1, user => undef);
my @ann = login($p, 'ann', name => 'Ann', avatar => 'http://x/ann.png');
my @bob = login($p, 'bob');

sub save ($fields, %o)     { return $p->post('/v1/chat/session', json => { session => $fields },
    %o ? %o : @ann) }
sub spark ($fields)        { return $p->post('/v1/chat/spark_session',
    json => { session => $fields }, @ann) }
sub got ($id, @who)        { return $p->get("/v1/chat/session/$id", @who ? @who : @ann) }
sub put ($id, $fields, @who) { return $p->put("/v1/chat/session/$id",
    json => { session => $fields }, @who ? @who : @ann) }
sub renamed ($id, $name)   { return $p->post('/v1/chat/session/rename',
    json => { id => $id, name => $name }, @ann) }
sub search ($fields, @who) { return $p->post('/v1/chat/session/search', json => $fields,
    @who ? @who : @ann) }
sub titles ($r)            { return join ',', map { $_->{title} } @{ $r->json->{list} } }

# Models.
my $models = $p->get('/v1/chat/models', @ann)->json;
is_deeply [map { $_->{code} } @{ $models->{list} }], ['m-a', 'm-b'], 'the models, by code';
is_deeply [sort keys %{ $models->{list}[0] }], [qw(code id logo name)],
    'with what the document names';
is_deeply [keys %$models], ['list'], 'and nothing beside';
is $models->{list}[0]{name}, 'Secret Alpha Corp', 'their names';
my ($alpha, $beta) = map { $_->{id} } @{ $models->{list} };
like $models->{list}[0]{logo}, qr/^$/, 'no logo is an empty one';

# Beginning.
my $before = time * 1000 - 2000;
my $r = save({ title => '保险', abstract => 'on insurance', model => { id => $beta } });
is $r->code, 200, 'a session';
my $s = $r->json->{session};
my $ann = $s->{author}{id};
my ($id, $created) = @$s{qw(id createdAt)};
like $r->body, qr/"id":$id,/, 'its id is a number';
ok $created > $before && $created < time * 1000 + 2000, 'so is the time, in milliseconds';
is_deeply $s, { id => $id, title => '保险', abstract => 'on insurance', createdAt => $created,
    module => 1, type => 'chat', model => { %{ $models->{list}[1] } },
    author => { id => $ann, name => 'Ann', avatar => 'http://x/ann.png' } },
    'all of it, without what is zero';
is_deeply got($id)->json, { session => $s, records => [], documents => [], dataset => undef },
    'and so it is got';
my $plain = save({})->json->{session};
ok !exists $plain->{title}, 'untitled';
ok !exists got($plain->{id})->json->{session}{title}, 'when it is got';
ok !exists $_->{title}, 'and in lists' for grep { $_->{id} == $plain->{id} }
    @{ search({})->json->{list} };
for my $title ('New chat', '新对话') {
	chat_done put($plain->{id}, { title => $title }), "a title as any: '$title'";
	is got($plain->{id})->json->{session}{title}, $title, 'which it keeps';
}
chat_refused put($plain->{id}, { title => $_ }), 400, qr/session\.title/, 'one of blanks is none'
    for ' ', "\t\n \x{3000}";
chat_done put($plain->{id}, { title => '' }), 'an empty one takes it away';
is $p->sql('SELECT title FROM session WHERE id = ?', $plain->{id})->[0]{title}, '', 'altogether';
ok !exists $plain->{model} && !exists $plain->{abstract} && !exists $plain->{documents},
    'what is not there is left out';
my $lanes = $p->sql('SELECT lane, model, mask, pri_id FROM lane WHERE session = ?', $id);
is_deeply [map { [@$_{qw(lane model mask)}] } @$lanes], [[0, $beta, undef]],
    'one lane, of that model, without a mask';
like $lanes->[0]{pri_id}, qr/^[0-9a-f]{32}$/, 'with a priId';
is $p->sql('SELECT model FROM lane WHERE session = ?', $plain->{id})->[0]{model}, $alpha,
    'of the first model where none is chosen';

# Changing: what is absent stays.
chat_done put($id, { title => '医疗' }), 'PUT';
is_deeply got($id)->json->{session}, { %$s, title => '医疗' }, 'changes what is there';
my $again = save({ id => $id, abstract => '', model => { id => $alpha } });
is_deeply $again->json->{session}, { map { $_ => $_ eq 'title' ? '医疗' : $_ eq 'model' ?
    $models->{list}[0] : $s->{$_} } grep { $_ ne 'abstract' } keys %$s }, 'so does POST with an id';
chat_done put($id, {}), 'nothing to change';
chat_done put($id, got($id)->json->{session}), 'a session as it was got';
is_deeply got($id)->json->{session}, $again->json->{session}, 'changes nothing';
chat_done put($id, { title => '' }), 'an empty title';
ok !exists got($id)->json->{session}{title}, 'is none';
chat_refused renamed($id, $_), 400, qr/name/, 'to blanks: no' for ' ', "\n\x{3000}\x{a0}", '';
chat_done renamed($id, 'x' x 200), 'rename';
is got($id)->json->{session}{title}, 'x' x 200, 'to 200 characters';
chat_done renamed($id, "a\"\\/\n\t😀"), 'and any';
is got($id)->json->{session}{title}, "a\"\\/\n\t😀", 'are kept';

# What a type rests on.
$p->get('/v1/chat/models', @bob);
my @docs = map { a_document($p, 'ann', "$_.txt") } 'a' .. 'c';
my $bobs_doc = a_document($p, 'bob');
my $set = a_dataset($p, 'ann', '知识');
my $bobs_set = a_dataset($p, 'bob');
my $spark = save({ title => 'docs', module => 2, type => 'spark_documents_chat',
    documentIds => [@docs[1, 0]] })->json->{session};
is_deeply $spark->{documentIds}, [@docs[1, 0]], 'a chat on documents, in the order given';
is_deeply $spark->{documents}[1], { id => $docs[0], fileName => 'a.txt', size => 2,
    url => "/v1/chat/document/$docs[0]/file", status => 'ready', segments => 3,
    createdAt => 1700000000000, author => $s->{author} }, 'with what they are';
my $got = got($spark->{id})->json;
is_deeply $got->{documents}, $spark->{documents}, 'also beside the session';
is_deeply $got->{session}, $spark, 'and in it';
my $on_set = new_chat($p, \@ann, module => 2, type => 'spark_dataset_chat', datasetId => $set);
is $on_set->{datasetId}, $set, 'a chat on a dataset';
is_deeply got($on_set->{id})->json->{dataset}, { id => $set, name => '知识', totalDocuments => 0,
    createdAt => 1700000000000, author => $s->{author} }, 'which comes with it';
my %wrong = (
	'module 3'                  => [{ module => 3 }, qr/module/],
	'module -1'                 => [{ module => -1 }, qr/module/],
	'an unknown type'           => [{ type => 'x' }, qr/type/],
	'module 2, a plain chat'    => [{ module => 2 }, qr/module/],
	'module 1, on documents'    => [{ module => 1, type => 'spark_documents_chat',
	    documentIds => [$docs[0]] }, qr/module/],
	'on documents, module left out' => [{ type => 'spark_documents_chat',
	    documentIds => [$docs[0]] }, qr/module/],
	'on documents without one'  => [{ module => 2, type => 'spark_documents_chat' },
	    qr/documentIds/],
	'on documents, none listed' => [{ module => 2, type => 'spark_documents_chat',
	    documentIds => [] }, qr/documentIds/],
	'on a dataset without one'  => [{ module => 2, type => 'spark_dataset_chat' },
	    qr/datasetId/],
	'a title of 201'            => [{ title => 'x' x 201 }, qr/session\.title/],
	'an abstract of 10001'      => [{ abstract => 'x' x 10001 }, qr/session\.abstract/],
	'1001 documents'            => [{ documentIds => [1 .. 1001] }, qr/session\.documentIds/],
	'a title that is a number'  => [{ title => 1 }, qr/session\.title/],
	'an id that is a string'    => [{ id => '1' }, qr/session\.id/],
	'ids that are strings'      => [{ documentIds => ['1'] }, qr/session\.documentIds\[0\]/],
	'a dataset that is a string' => [{ datasetId => '1' }, qr/session\.datasetId/],
	'a module that is a string' => [{ module => '1' }, qr/session\.module/],
	'half a module'             => [{ module => 1.5 }, qr/session\.module/],
	'a model that is an id'     => [{ model => 1 }, qr/session\.model/],
	'a model without its id'    => [{ model => { code => 'm-a' } }, qr/session\.model\.id/],
);
my $count = search({})->json->{total};
chat_refused save($wrong{$_}[0]), 400, $wrong{$_}[1], "$_: 400" for sort keys %wrong;
my %unknown = (
	'a document that does not exist' => { documentIds => [$docs[0], 4711] },
	'a document of another'     => { documentIds => [$docs[0], $bobs_doc] },
	'a dataset that does not exist'  => { datasetId => 4711 },
	'a dataset of another'      => { datasetId => $bobs_set },
	'a model that does not exist'    => { model => { id => 4711 } },
	'an id that cannot be one'  => { id => -1 },
	'an id past all'            => { id => 9223372036854775807 },
);
chat_refused save($unknown{$_}), 404, qr/\d/, "$_: 404" for sort keys %unknown;
is search({})->json->{total}, $count, 'and nothing was begun';
for my $why (grep { !/\bid\b/ } sort keys %unknown) {
	chat_refused put($id, { title => 'changed', %{ $unknown{$why} } }), 404, qr/\d/,
	    "$why: nor is that put";
}
is got($id)->json->{session}{title}, "a\"\\/\n\t😀", 'all or nothing';
$p->parley('model', 'disable', 'm-b');
chat_refused save({ model => { id => $beta } }), 404, qr/model/, 'a disabled model is none';
is_deeply [map { $_->{code} } @{ $p->get('/v1/chat/models', @ann)->json->{list} }], ['m-a'],
    'nor in the list';
$p->parley('model', 'enable', 'm-b');

# Changing what it rests on.
chat_done put($spark->{id}, { documentIds => [@docs[1, 2]] }), 'other documents';
is_deeply got($spark->{id})->json->{session}{documentIds}, [@docs[1, 2]], 'in place of the old';
chat_done put($spark->{id}, { documentIds => [@docs[2, 1]] }), 'the same, turned round';
is_deeply got($spark->{id})->json->{session}{documentIds}, [@docs[2, 1]], 'are';
$p->post('/v1/chat/session/add_files', json => { id => $spark->{id}, documentIds => [$docs[0]] },
    @ann);
my @listed = grep { $_->{id} == $spark->{id} } @{ search({})->json->{list} };
is_deeply $listed[0]{documentIds}, [@docs[2, 1, 0]], 'what is added comes last, in lists too';
chat_refused put($spark->{id}, { documentIds => [] }), 400, qr/documentIds/, 'not none at all';
chat_refused put($spark->{id}, { type => 'chat' }), 400, qr/module/, 'nor half a change';
chat_done put($spark->{id}, { type => 'spark_dataset_chat', datasetId => $set }),
    'on a dataset now';
chat_done put($spark->{id}, { type => 'spark_documents_chat' }), 'on its documents again';
chat_done put($spark->{id}, { type => 'chat', module => 1, documentIds => [] }), 'on nothing';
ok !exists got($spark->{id})->json->{session}{documents}, 'which then has none';
chat_done put($id, { documentIds => [$docs[0], $docs[0]] }), 'a plain chat may have some, once';
is_deeply got($id)->json->{session}{documentIds}, [$docs[0]], 'each';

# spark_session: module 2, the type by what is given.
is spark({ datasetId => $set })->json->{session}{type}, 'spark_dataset_chat', 'a dataset is given';
my $saved = spark({ documentIds => [$docs[0]] })->json->{session};
is_deeply [@$saved{qw(module type)}], [2, 'spark_documents_chat'], 'documents are';
chat_refused spark({}), 400, qr/documentIds/, 'nothing is';
is spark({ module => 1, documentIds => [$docs[0]] })->json->{session}{module}, 2,
    'whatever module a client fills in';
chat_refused spark({ module => 1, type => 'chat' }), 400, qr/module/, 'nor does that help';
chat_refused spark({ type => 'chat' }), 400, qr/module/, 'a plain chat';
my $twice = spark({ id => $saved->{id}, title => 'named' })->json->{session};
is_deeply $twice, { %$saved, title => 'named' }, 'with an id it changes';
is spark({ id => $plain->{id}, datasetId => $set })->json->{session}{type}, 'spark_dataset_chat',
    'a plain chat becomes one';

# Search.
my @carl = login($p, 'carl');
$p->post('/v1/chat/session', json => { session => { title => $_ } }, @carl)
    for '人工智能与保险', 'Insurance 100%', 'under_score', 'back\\slash', 'ÉCOLE', 'emoji 😀', '保';
$p->get('/v1/chat/models', @carl);
my $carls_doc = a_document($p, 'carl');
$p->post('/v1/chat/spark_session', json => { session => { title => 'spark',
    documentIds => [$carls_doc] } }, @carl);
sub find ($title, %o) { return titles(search({ title => $title, %o }, @carl)) }
is find('保险'), '人工智能与保险', 'Chinese';
is find('保'), '保,人工智能与保险', 'newest first';
is find('iNSUR'), 'Insurance 100%', 'in any case';
is find('école'), 'ÉCOLE', 'of any letter';
is find('%'), 'Insurance 100%', 'a percent sign is one';
is find('_'), 'under_score', 'so is an underscore';
is find('\\'), 'back\\slash', 'and a backslash';
is find('😀'), 'emoji 😀', 'an emoji';
is find('😁'), '', 'and no other';
is find('\' OR \'1\'=\'1'), '', 'no SQL';
is find('nothing'), '', 'nothing';
is_deeply search({ title => 'nothing' }, @carl)->json, { list => [], total => 0 }, 'an empty list';
is search({}, @carl)->json->{total}, 8, 'all, and no one else\'s';
is search({ title => '', module => 0 }, @carl)->json->{total}, 8, 'nothing asked for';
is search({ module => 1 }, @carl)->json->{total}, 7, 'by module';
is find('s', module => 2), 'spark', 'and title';
my $mine = $p->post('/v1/chat/session/my_spark_sessions', json => { module => 1 }, @carl);
is titles($mine), 'spark', 'my_spark_sessions: those of module 2';
is_deeply $mine->json->{list}[0]{documentIds}, [$carls_doc], 'with the ids of their documents';
is $mine->json->{list}[0]{author}{name}, '', 'a user without a name has an empty one';

# Pages.
is titles(search({ size => 2 }, @carl)), 'spark,保', 'a page';
is titles(search({ page => 2, size => 2 }, @carl)), 'emoji 😀,ÉCOLE', 'the next';
is titles(search({ page => 3, size => 3 }, @carl)), 'Insurance 100%,人工智能与保险', 'the last';
my $beyond = search({ page => 10_000_000, size => 200 }, @carl)->json;
is_deeply $beyond, { list => [], total => 8 }, 'one beyond, and the total stays';
new_chat($p, [@carl]) for 1 .. 14;
is scalar @{ search({}, @carl)->json->{list} }, 20, '20 where no size is said';
is scalar @{ search({ page => 0, size => 0 }, @carl)->json->{list} }, 20, 'zeros say nothing';
for my $bad ({ page => -1 }, { page => '1' }, { page => 1.5 }, { size => 201 },
    { size => -20 }, { size => 'all' }, { module => 3 }, { title => 5 },
    { title => 'x' x 201 }, { page => 99_999_999_999 }) {
	my ($name) = keys %$bad;
	chat_refused search($bad), 400, qr/$name/, "$name $bad->{$name}: 400";
}

# Bodies that are none.
for my $body ('', '{', '[]', '"x"', 'null', '{"session":null}', '{"session":[]}', '{}',
    "{\"session\":{\"title\":\"\xff\"}}", '{"session":{"title":"a\u0000b"}}',
    '{"session":{"id":99999999999999999999}}') {
	chat_refused $p->post('/v1/chat/session', body => $body, @ann), 400, qr/./, "400: $body";
}
chat_refused $p->post('/v1/chat/session/rename', json => $_, @ann), 400, qr/id|name/,
    'rename: 400' for {}, { id => $id }, { name => 'x' }, { id => "$id", name => 'x' },
    { id => $id, name => '' }, { id => $id, name => 'x' x 201 };
chat_refused put($id, { id => $id + 1 }), 400, qr/session\.id/, 'two ids in one request';
is save({ title => "twice", nosuch => { deep => 1 } })->code, 200, 'unknown members are ignored';
chat_refused $p->post('/v1/chat/session', body => 'session=1', user => undef, headers => {
	%{ {@ann}->{headers} }, 'Content-Type' => 'application/x-www-form-urlencoded' }), 415,
    qr/form/, 'a form is not taken here';

# Another's session is one that does not exist, on every route.
for my $theirs ($id, 1, $id + 1) {
	chat_refused got($theirs, @bob), 404, qr/session $theirs/, "get $theirs";
	chat_refused put($theirs, { title => 'x' }, @bob), 404, qr/$theirs/, 'put';
	chat_refused save({ id => $theirs, title => 'x' }, @bob), 404, qr/$theirs/, 'save';
	chat_refused $p->del("/v1/chat/session/$theirs", @bob), 404, qr/$theirs/, 'delete';
	chat_refused $p->post('/v1/chat/session/rename', json => { id => $theirs, name => 'x' },
	    @bob), 404, qr/$theirs/, 'rename';
	chat_refused $p->post('/v1/chat/session/records', json => { sessionId => $theirs }, @bob),
	    404, qr/$theirs/, 'records';
	chat_refused $p->post('/v1/chat/spark_session', json => { session => { id => $theirs } },
	    @bob), 404, qr/$theirs/, 'spark_session';
}
is search({}, @bob)->json->{total}, 0, 'nor is it in a list';
for my $odd ('0', '-1', '01', '1.0', 'x', '9223372036854775808', '1%20', '%E4%BD%A0', "$id'") {
	chat_refused $p->get("/v1/chat/session/$odd", @ann), 404, qr/session/, "no id: $odd";
	chat_refused $p->del("/v1/chat/session/$odd", @ann), 404, qr/session/, 'nor to delete';
}
my @other = login($p, 'ann', tenant => 'acme');
$p->sql('INSERT INTO tenant (id, name, created_ms) VALUES (2, ?, 0)', 'acme');
chat_refused got($id, @other), 404, qr/session/, 'ann of another tenant is another';

# A session is an ordinary row: the arena reads what began here, and the other way round.
my $his = $p->get('/conv/his', query => { sessionId => "chat_$id" }, @ann);
is_deeply $his->json->{data}{chatMap}, { ALPHA => [] }, 'the arena reads it';
my $arena = $p->stream(POST => '/conv/chat/single', json => body($p, '你好', task => 'x',
    pri => $lanes->[0]{pri_id}), @ann);
is $p->lanes($arena->events)->{ALPHA}{finish}, 'stop', 'and asks there';
is got($id)->json->{session}{totalRecords}, 1, 'it is a record here';

# Deleted: gone everywhere.
chat_done $p->del("/v1/chat/session/$id", @ann), 'delete';
chat_refused $p->del("/v1/chat/session/$id", @ann), 404, qr/$id/, 'once';
chat_refused got($id), 404, qr/$id/, 'it is not got';
chat_refused put($id, { title => 'x' }), 404, qr/$id/, 'nor put';
chat_refused save({ id => $id }), 404, qr/$id/, 'nor saved';
chat_refused renamed($id, 'x'), 404, qr/$id/, 'nor renamed';
chat_refused $p->post('/v1/chat/session/records', json => { sessionId => $id }, @ann), 404,
    qr/$id/, 'it has no records';
is scalar(grep { $_->{id} == $id } @{ search({ size => 200 })->json->{list} }), 0, 'is in no list';
is $p->get('/conv/his', query => { sessionId => "chat_$id" }, @ann)->code, 404,
    'nor does the arena read it';
ok $p->sql('SELECT deleted_ms FROM session WHERE id = ?', $id)->[0]{deleted_ms}, 'its row stays';

# Without a model there is nobody to talk to.
$p->parley('model', 'disable', $_) for 'm-a', 'm-b';
chat_refused save({}), 503, qr/models/, 'no models: 503';
is_deeply $p->get('/v1/chat/models', @ann)->json, { list => [] }, 'an empty list of them';

$p->no_errors_logged;
done_testing;
