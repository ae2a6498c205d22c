#!/usr/bin/perl
# Lists of the dialect "copywriting": dialogues, assistants, models; their order and their pages.

use v5.36;
use utf8;

use Mojo::JSON qw(false true);
use ParleyTest;
use ParleyTest::Chat ();
use ParleyTest::Copywriting;
use ParleyTest::Streams;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $p = ParleyTest->new(models => 3, workers => 1, user => undef, set => { timezone => 'UTC' });
my $as = shown(scalar $p->key(user => 'ann'));
my $other = shown(scalar $p->key(user => 'bob'));
my %model = map { @$_{qw(code id)} } @{ $p->sql('SELECT code, id FROM model') };
my $first = an_assistant($p, 'First', '--model', 'm-a', '--system', '写' x 300, '--opening', 'Hi!',
    '--context', 'off');
my $second = an_assistant($p, 'Second', '--model', 'm-b');

sub get ($path, %o) { return $p->get("/copywriting/$path", headers => $as, %o) }
sub rows ($path) { return get($path)->json->{rows} }

sub say_to ($version, $name) {
	$p->script('m-a', steps(0, "about $name"));
	return told($p->stream(POST => "$SEND/$version", headers => $as,
	    json => message("on $name", name => $name, modelServiceId => $model{'m-a'})));
}

my %said = map { $_->[0] => say_to($_->[1], $_->[0]) } ['b', $first->{version}],
    ['c', $second->{version}], ['a', ''];

subtest 'dialogues' => sub {
	my $r = get('dialogue/list')->json;
	is_deeply [@$r{qw(total code msg)}], [3, 200, 'Success'], 'around them';
	is_deeply [map { $_->{name} } @{ $r->{rows} }], [qw(a c b)], 'newest first';
	my %row = %{ $r->{rows}[2] };
	my %first = %{ $said{b}{first} };
	my @keys = grep { !/^(?:updateTime|totalTokens|youtaizhis)$/ } sort keys %first;
	is_deeply { map { $_ => $row{$_} } @keys }, { map { $_ => $first{$_} } @keys },
	    'each as its stream says';
	is join(',', sort keys %row), join(',', sort 'name', keys %first), '... and its name';
	my ($sum) = @{ $p->sql('SELECT SUM(prompt_tokens + completion_tokens) AS n,'
	    . ' 100 * SUM(cost) AS cost FROM answer WHERE session = ?', $row{id}) };
	is $row{totalTokens}, $sum->{n}, 'tokens';
	ok abs($row{youtaizhis} - $sum->{cost}) < 1e-9 && $row{youtaizhis} > 0, 'price';
	like $row{updateTime}, qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, 'times';

	is_deeply [map { $_->{name} } @{ rows('dialogue/list?orderByColumn=name&isAsc=asc') }],
	    [qw(a b c)], 'by name';
	is_deeply [map { $_->{name} } @{ rows('dialogue/list?orderByColumn=name&isAsc=desc') }],
	    [qw(c b a)], '... the other way';
	is_deeply [map { $_->{name} } @{
	    rows('dialogue/list?orderByColumn=create_time&isAsc=asc') }],
	    [qw(b c a)], 'by time';
	$p->stream(POST => $SEND, headers => $as, json => message('more', id => $row{id}));
	is_deeply [map { $_->{name} } @{ rows('dialogue/list?orderByColumn=updateTime') }],
	    [qw(b a c)], 'by what was said last';
	is rows('dialogue/list?orderByColumn=updateTime')->[0]{speechUserDialogueMessage}{content},
	    'more', 'with the newest question';
	my $page = get('dialogue/list?pageSize=2&pageNum=2&orderByColumn=name&isAsc=asc')->json;
	is_deeply [$page->{total}, map { $_->{name} } @{ $page->{rows} }], [3, 'c'], 'a page';
	is_deeply get('dialogue/list?pageNum=9')->json->{rows}, [], 'none so far on';
	is_deeply [map { $_->{name} } @{ rows("dialogue/list?manageId=$second->{id}") }], ['c'],
	    'of an assistant';
	is scalar @{ rows('dialogue/list?manageId=&isUser=true') }, 3,
	    'what is empty is not asked';
	is_deeply $p->get('/copywriting/dialogue/list', headers => $other)->json->{rows}, [],
	    'nobody else\'s';
};

subtest 'other conversations' => sub {
	my $begun = $p->post('/v1/chat/session', headers => $as, json => { session => {
	    title => 'x' } });
	my $id = $begun->json->{session}{id};
	is scalar @{ rows('dialogue/list') }, 3, 'are not listed';
	is_deeply get("message/list/$id")->json, { total => 0, rows => [], code => 200,
	    msg => 'Success' }, '... but can be read';
	is told($p->stream(POST => $SEND, headers => $as, json => message('hi',
	    id => "$id")))->{first}{id},
	    $id, '... and gone on with';
	is rows('dialogue/list')->[0]{name}, 'x', '... and are listed then';
	is $p->get("/v1/chat/session/$said{b}{first}{id}",
	    headers => $as)->json->{session}{title}, 'b',
	    'and other dialects read these';
	refused $p->get("/copywriting/message/list/$id", headers => $other), 404, qr/$id/,
	    'nobody else does';
	$p->del("/v1/chat/session/$id", headers => $as);
	refused get("message/list/$id"), 404, qr/$id/, 'nor anybody when it is deleted';
};

subtest 'what was spent on messages' => sub {
	my ($dialogue) = grep { $_->{name} eq 'c' } @{ rows('dialogue/list') };
	my ($q, $a) = @{ rows("message/list/$dialogue->{id}") };
	is_deeply [@$q{qw(role content totalTokens youtaizhis)}], ['user', 'on c', 0, 0],
	    'a question';
	is_deeply [@$a{qw(role content totalTokens youtaizhis)}],
	    ['assistant', 'about c', @$dialogue{qw(totalTokens youtaizhis)}], 'an answer';
	is $a->{promptTokens} + $a->{completionTokens}, $a->{totalTokens}, '... in two';
	is join(',', sort keys %$a), join(',', sort keys %{
	    $said{c}{first}{speechUserDialogueMessage} }),
	    'as the stream has them';
};

subtest 'an assistant' => sub {
	my $document = ParleyTest::Chat::a_document($p, 'ann', 'a.txt');
	my $set = ParleyTest::Chat::a_dataset($p, 'ann', 'Facts');
	my $v = an_assistant($p, 'Third', '--model', 'm-c', '--system', 'short', '--dataset',
	    $set);
	my $got = get("scene/user/$v->{version}")->json;
	like delete $got->{data}{createTime}, qr/^\d{4}-/, 'since when';
	is_deeply $got, { code => 200, msg => 'Success', data => { id => "$v->{version}",
	    manageId => "$v->{id}", name => 'Third', version => 1, prompt => 'short',
	    opening => '',
	    modelServiceId => "$model{'m-c'}", modelName => 'Secret Charlie Corp',
	    datasets => [{ id => "$set", name => 'Facts' }], tools => [], context => true } },
	    'all';
	my $long = get("scene/user/$first->{version}")->json->{data};
	is_deeply [@$long{qw(prompt opening context)}], ['写' x 200, 'Hi!', false], 'a long prompt';
	refused get('scene/user/12'), 404, qr/12/, 'none';
	$p->parley('tenant', 'add', 'elsewhere');
	my $stranger = shown(scalar $p->key(user => 'x', tenant => 'elsewhere'));
	for my $path ("scene/user/$v->{version}", "dialogue/list?manageId=$v->{id}") {
		refused $p->get("/copywriting/$path", headers => $stranger), 404,
		    qr/does not exist/,
		    "of another tenant: $path";
	}
	refused $p->post("$SEND/$v->{version}", json => message('x'), headers => $stranger), 404,
	    qr/$v->{version}/, '... nor is it asked';
};

subtest 'models' => sub {
	for my $kind (qw(image embedding audio)) {
		my ($exit) = $p->parley('model', 'add', "x-$kind", '--kind', $kind, '--name',
		    $kind,
		    '--url', $p->upstream->url, '--upstream-name', "demo-$kind", '--logo',
		    "https://a.example/$kind.png");
		is $exit, 0, $kind;
	}
	my $all = get('user-model/model-list?orderByColumn=createTime&isAsc=asc')->json;
	is $all->{total}, 5, 'all but those for sounds';
	is_deeply [map { @$_{qw(code modelServiceType)} } @{ $all->{rows} }],
	    ['m-a', 0, 'm-b', 0, 'm-c', 0, 'x-image', 1, 'x-embedding', 2], 'by time';
	like delete $all->{rows}[3]{createTime}, qr/^\d{4}-/, 'since when';
	like delete $all->{rows}[3]{id}, qr/^\d+$/, 'id';
	is_deeply $all->{rows}[3], { name => 'image', code => 'x-image', modelServiceType => 1,
	    logo => 'https://a.example/image.png' }, 'one';
	is_deeply [map { $_->{code} } @{ rows('user-model/model-list?modelServiceType=2') }],
	    ['x-embedding'], 'of a type';
	is_deeply [map { $_->{code} } @{ rows('user-model/model-list?orderByColumn=name&pageSize=2'
	    . '&pageNum=2&isAsc=asc&modelServiceType=0') }], ['m-c'], 'a page';
	$p->parley('model', 'disable', 'm-c');
	is_deeply [map { $_->{code} } @{ rows('user-model/model-list?modelServiceType=0') }],
	    ['m-b', 'm-a'], 'only those that can be asked, newest first';
	refused get('user-model/model-list?modelServiceType=3'), 400, qr/modelServiceType/,
	    'no type';
};

subtest 'refused' => sub {
	for my $list (qw(dialogue/list user-model/model-list userCopywriting/record-list)) {
		refused get("$list?orderByColumn=(SELECT%201)"), 400, qr/^orderByColumn /,
		    "$list: order";
		refused get("$list?isAsc=up"), 400, qr/^isAsc /, "$list: way";
		refused get("$list?pageSize=100000"), 400, qr/^pageSize /, "$list: size";
		refused get("$list?pageNum=x"), 400, qr/^pageNum /, "$list: page";
		refused $p->get("/copywriting/$list"), 401, qr/./, "$list: no key";
	}
	refused get('dialogue/list?manageId=12'), 404, qr/12/, 'no assistant';
	refused get('userCopywriting/record-list?templateId=x'), 404, qr/templateId x/, 'no app';
	refused get('nothing'), 404, qr/./, 'no path';
};

$p->no_errors_logged;
done_testing;
