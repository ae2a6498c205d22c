#!/usr/bin/perl
# /v3/api-docs: valid, true to the source document, and what the service does.

use v5.36;
use utf8;

use JSON::Validator;
use JSON::Validator::Schema::OpenAPIv3;
use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Chat;
use Test::More;

my $p = ParleyTest->new(models => 2, workers => 1);

my $r = $p->get('/v3/api-docs', user => undef);
is $r->code, 200, 'the document';
is $r->header('content-type'), 'application/json; charset=utf-8', 'is JSON';
my $doc = $r->json;
my $v = JSON::Validator::Schema::OpenAPIv3->new($doc);
$v->coerce({});
is_deeply [map { "$_" } @{ $v->errors }], [], 'valid OpenAPI 3.0';

# Kept by clients.
my $etag = $r->header('etag');
like $etag, qr/^"[0-9a-f]{32}"$/, 'an ETag';
my $same = $p->get('/v3/api-docs', headers => { 'If-None-Match' => $etag });
is $same->code, 304, 'known already';
is $same->body, '', 'not sent again';
is $p->get('/v3/api-docs', headers => { 'If-None-Match' => '"old"' })->code, 200, 'another one';
is $p->get('/api/v3/api-docs/')->body, $r->body, 'behind /api too';

# The source document's operations, their fields and types.
my %seed = (
	'/task/add'      => { post => [qw(TaskAdd ResultDTOBoolean)] },
	'/task/rename'   => { get => [undef, 'ResultDTOBoolean'] },
	'/task/list'     => { get => [undef, 'ResultDTOListCommonTreeDict'] },
	'/task/del'      => { get => [undef, 'ResultDTOBoolean'] },
	'/conv/create'   => { post => [qw(ChatMsgReq ResultDTOConvCreatedVO)] },
	'/conv/chat'     => { post => [qw(ChatMsgReq ChatResponseVO)] },
	'/conv/chat/pri' => { post => [qw(ChatMsgReq ChatResponseVO)] },
	'/conv/like'     => { get => [undef, 'ResultDTOBoolean'] },
	'/conv/his'      => { get => [undef, 'ResultDTOHistoryChatVO'] },
	'/combine/chat'  => {
		(map { $_ => [qw(ChatMsgReq ChatResponseVO)] } qw(post put patch delete options)),
		get => [undef, 'ChatResponseVO'], head => [] },
);
for my $path (sort keys %seed) {
	for my $method (sort keys %{ $seed{$path} }) {
		my ($in, $out) = @{ $seed{$path}{$method} };
		my $op = $doc->{paths}{$path}{$method};
		ok $op, "$method $path";
		is_deeply [sort keys %{ $op->{requestBody}{content} }],
		    ['application/json', 'application/x-www-form-urlencoded'],
		    "$method $path: both media types" if $in;
		is +(values %{ $op->{requestBody}{content} })[0]{schema}{'$ref'},
		    "#/components/schemas/$in", "$method $path: $in" if $in;
		is +(values %{ $op->{responses}{200}{content} })[0]{schema}{'$ref'},
		    "#/components/schemas/$out", "$method $path: $out"
		    if $out;
	}
}
my $upload = $doc->{paths}{'/v1/chat/document/upload'}{post};
is_deeply [map { $_->{schema}{properties}{file} } $upload->{requestBody}{content}
    {'multipart/form-data'}], [{ type => 'array', items => { type => 'string',
    format => 'binary' } }], 'files are uploaded';
ok $upload->{responses}{$_}, "which may be answered by $_" for 200, 400, 413, 415;
my %fields = (
	TaskAdd => { map { $_ => 'string' } qw(title description supportUnit busDir workGoal) },
	ChatMsgReq => { (map { $_ => 'string' } qw(taskId priId session_id start_time end_time)),
	    messages => 'array' },
	ChatMessage => { role => 'string', content => 'string' },
	CommonTreeDict => { id => 'string', val => 'string', leaf => 'boolean' },
	ConvCreatedVO => { sessionId => 'string', priIdMapping => 'object' },
	ChatResponseVO => {
		(map { $_ => 'string' } qw(session_id object maskName maskCode privateId)),
		created => 'integer',
		choices => 'array', citations => 'array' },
	ChatChoice => { index => 'integer', finish_reason => 'string' },
	ChatDelta => { content => 'string' },
	ChatCitation => {
		(map { $_ => 'string' } qw(id summary start_time callnumber callednumber labels)),
		duration => 'integer' },
	HistoryChatVO => { sessionId => 'string', question => 'string', chatMap => 'object' },
	ResultDTOBoolean => { code => 'integer', msg => 'string', data => 'boolean' },
);
for my $name (sort keys %fields) {
	my $properties = $doc->{components}{schemas}{$name}{properties};
	is_deeply { map { $_ => $properties->{$_}{type} } keys %{ $fields{$name} } },
	    $fields{$name}, $name;
}
is_deeply $doc->{components}{schemas}{ChatMsgReq}{required}, ['taskId'], 'what is required';
is $doc->{components}{schemas}{ChatCitation}{properties}{labels}{description}, '相关标签,用|分割',
    'descriptions';
unlike $r->body, qr/date-time/, 'dates are strings with a pattern';
like '2024-11-04 06:28:49',
    qr/$doc->{components}{schemas}{ChatMsgReq}{properties}{start_time}{pattern}/, 'which fits';

# The document of sessions: its operations, bodies, replies and types.
my %chat = (
	'/v1/chat/session/{id}' => { get => [undef, 'ChatSessionGetResponse'],
	    put => [qw(ChatSessionUpdateRequest ChatSessionUpdateResponse)],
	    delete => [undef, 'ChatSessionDeleteResponse'] },
	'/v1/chat/session' => { post => [qw(ChatSessionSaveRequest ChatSessionSaveResponse)] },
	'/v1/chat/session/rename' =>
	    { post => [qw(ChatSessionRenameRequest ChatSessionRenameResponse)] },
	'/v1/chat/session/search' =>
	    { post => [qw(ChatSessionSearchRequest ChatSessionSearchResponse)] },
	'/v1/chat/session/my_spark_sessions' =>
	    { post => [qw(ChatSessionSearchRequest ChatSessionSearchResponse)] },
	'/v1/chat/spark_session' =>
	    { post => [qw(ChatSessionSaveRequest ChatSessionSaveResponse)] },
	'/v1/chat/session/records' =>
	    { post => [qw(ChatSessionRecordsRequest ChatSessionRecordsResponse)] },
	'/v1/chat/models' => { get => [undef, 'ChatModelsResponse'] },
	'/v1/chat/data/session/search' =>
	    { post => [qw(ChatDataSessionSearchRequest ChatDataSessionSearchResponse)] },
	'/v1/chat/data/session/{id}' => { get => [undef, 'ChatSessionGetResponse'] },
);
for my $path (sort keys %chat) {
	for my $method (sort keys %{ $chat{$path} }) {
		my ($in, $out) = @{ $chat{$path}{$method} };
		my $op = $doc->{paths}{$path}{$method};
		is_deeply $op->{requestBody}{content}, { 'application/json' => { schema => {
		    '$ref' => "#/components/schemas/$in" } } }, "$method $path: $in" if $in;
		is_deeply $op->{responses}{200}{content}, { 'application/json' => { schema => {
		    '$ref' => "#/components/schemas/$out" } } }, "$method $path: $out";
	}
}
my %typed = (
	ChatSessionItem => { (map { $_ => 'int64' } qw(id createdAt datasetId totalRecords)),
	    module => 'int32', title => 'string', abstract => 'string', type => 'string',
	    documentIds => 'array', documents => 'array', author => 'User', model => 'Model' },
	Record => { (map { $_ => 'int64' } qw(id sessionId groupId modelId authorId createAt)),
	    (map { $_ => 'string' } qw(contentType problemText answerText status)),
	    author => 'User', model => 'Model' },
	Model => { id => 'int64', name => 'string', code => 'string', logo => 'string' },
	User => { id => 'int64', name => 'string', avatar => 'string' },
	ChatSessionGetResponse => { session => 'ChatSessionItem', records => 'array',
	    documents => 'array', dataset => 'ChatDatasetItem' },
	ChatSessionSearchRequest => { page => 'int32', size => 'int32', title => 'string',
	    module => 'int32' },
	ChatSessionRecordsRequest => { page => 'int32', size => 'int32', sessionId => 'int64' },
	ChatSessionRenameRequest => { id => 'int64', name => 'string' },
	ChatDataSessionSearchRequest => { page => 'int32', size => 'int32', title => 'string',
	    userName => 'string', beginTime => 'int64', endTime => 'int64' },
);
for my $name (sort keys %typed) {
	my $properties = $doc->{components}{schemas}{$name}{properties};
	my %is = map { my $t = $properties->{$_}; $_ => $t->{format} // $t->{type}
	    // ($t->{anyOf}[0]{'$ref'} =~ s{.*/}{}r) } keys %{ $typed{$name} };
	is_deeply \%is, $typed{$name}, $name;
}

# One row, one operation: what is served is described.
my ($exit, $routes) = $p->parley('show', 'routes');
is $exit, 0, 'parley show routes';
my @described = map { my $path = $_; map { uc($_)
    . " $path" } keys %{ $doc->{paths}{$path} } } keys %{ $doc->{paths} };
for my $op (@described) {
	my ($method, $path) = split ' ', $op;
	like $routes, qr/^.*\b$method\b.*\Q$path\E(?:\s|$)/m, "$op is served";
}

# The service's replies are what the document says.
my ($session, $pri, $stream) = begin($p);
$p->get('/conv/like', query => { priId => $pri->{ALPHA} });
my $turn = $stream->header('x-stream-id');
my @replies = (
	[get => '/task/list', $p->get('/task/list')],
	[post => '/task/add', $p->post('/task/add', json => { title => 'x' })],
	[post => '/conv/create', $p->post('/conv/create', json => body($p, 'x'))],
	[get => '/conv/his', $p->get('/conv/his', query => { sessionId => $session })],
	[get => '/conv/like', $p->get('/conv/like', query => { priId => $pri->{ALPHA} })],
	[get => '/conv/like', $p->get('/conv/like', query => { priId => 'x' })],
	[post => '/conv/chat', $p->post('/conv/chat', json => {})],
	[post => '/conv/chat', $p->post('/conv/chat', body => 'x',
	    headers => { 'Content-Type' => 'text/plain' })],
	[get => '/healthz', $p->get('/healthz')],
	[post => '/v1/auth/guest', $p->post('/v1/auth/guest')],
	[post => '/v1/streams/{turn}/stop', $p->post("/v1/streams/$turn/stop")],
	[post => '/v1/streams/{turn}/stop', $p->post('/v1/streams/1/stop')],
	[get => '/v1/streams/{turn}', $p->get('/v1/streams/1')],
	[get => '/v1/streams/{turn}', $p->get("/v1/streams/$turn", query => { after => 'x' })],
);
my @ann = login($p, 'ann', name => 'Ann', role => 'admin');
my $chat = new_chat($p, \@ann, title => 'x');
an_answer($p, $chat->{id}, text => 'A', citations => ['{"documentId":1}']);
my ($one, $any) = ("/v1/chat/session/$chat->{id}", '/v1/chat/session/{id}');
push @replies, (
	[get => $any, $p->get($one, @ann)], [get => $any, $p->get('/v1/chat/session/1', @ann)],
	[get => $any, $p->get($one, user => undef)],
	[put => $any, $p->put($one, json => { session => { title => 'y' } }, @ann)],
	[put => $any, $p->put($one, json => {}, @ann)],
	(map { my ($path, $body) = @$_; [post => $path, $p->post($path, json => $body, @ann)] }
	    ['/v1/chat/session', { session => {} }], ['/v1/chat/session', {}],
	    ['/v1/chat/session/rename', { id => $chat->{id}, name => 'z' }],
	    ['/v1/chat/session/search', {}], ['/v1/chat/session/search', { page => -1 }],
	    ['/v1/chat/session/my_spark_sessions', {}],
	    ['/v1/chat/spark_session', { session => {} }],
	    ['/v1/chat/session/records', { sessionId => $chat->{id} }],
	    ['/v1/chat/data/session/search', {}]),
	[get => '/v1/chat/models', $p->get('/v1/chat/models', @ann)],
	[get => '/v1/chat/data/session/{id}', $p->get("/v1/chat/data/session/$chat->{id}", @ann)],
	[get => '/v1/chat/data/session/{id}', $p->get('/v1/chat/data/session/1', login($p, 'bob'))],
	[delete => $any, $p->del($one, @ann)], [delete => $any, $p->del($one, @ann)],
);
for my $case (@replies) {
	my ($method, $path, $reply) = @$case;
	my $status = $reply->code;
	my $declared = $doc->{paths}{$path}{$method}{responses};
	ok $declared->{$status}, "$method $path: $status is declared";
	my ($content) = grep { $_ } map { $declared->{$status}{content}{$_} } 'application/json';
	my @errors = $v->new->data({ %{ $content->{schema} },
	    components => $doc->{components} })->resolve->validate($reply->json);
	is_deeply [map { "$_" } @errors], [], "$method $path: the reply of $status fits";
}
my $frames = JSON::Validator::Schema::OpenAPIv3->new->data({
	'$ref' => '#/components/schemas/ChatResponseVO',
	components => $doc->{components} })->resolve;
is_deeply [map { "$_" } map { $frames->validate($_->{data}) } @{ $stream->events }], [],
    'every frame fits';

my $over = $p->get("/v1/streams/$turn", query => { after => 1000 });
ok $over->code == 204 && $doc->{paths}{'/v1/streams/{turn}'}{get}{responses}{204},
    'that nothing is left is declared';

$p->no_errors_logged;
done_testing;
