#!/usr/bin/perl
# The dialect "session": what who administers a tenant sees of its conversations.

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Chat;
use Test::More;

my $p = ParleyTest->new(models => 1, workers => 1, user => undef);
$p->sql('INSERT INTO tenant (id, name, created_ms) VALUES (2, ?, 0)', 'acme');
my @admin = login($p, 'root', role => 'admin');
my @acme = login($p, 'root', role => 'admin', tenant => 'acme');

sub search ($fields, @who) {
	return $p->post('/v1/chat/data/session/search', json => $fields, @who ? @who : @admin);
}
sub titles ($fields, @who) {
	my $r = search($fields, @who);
	return join ',', map { $_->{title} } @{ $r->json->{list} };
}

is_deeply search({})->json, { list => [], total => 0 }, 'nothing yet';

my %made;
my @at = map { 1000 * time + $_ } 1 .. 4;
for my $one (['王小明', '保险 A', 'wang'], ['Ann', 'Travel_B', 'ann'],
    ['Annabel', '100% C', 'annabel'], [undef, '保险 D', 'nameless']) {
	my ($name, $title, $user) = @$one;
	my $s = new_chat($p, [login($p, $user, name => $name)], title => $title);
	$p->sql('UPDATE session SET created_ms = ? WHERE id = ?', $at[keys %made], $s->{id});
	$made{$title} = $s->{id};
}
my $foreign = new_chat($p, [login($p, 'wang', tenant => 'acme')], title => 'of acme')->{id};
my $gone = new_chat($p, [login($p, 'ann')], title => 'deleted')->{id};
$p->del("/v1/chat/session/$gone", login($p, 'ann'));

# Searching.
is titles({}), '保险 D,100% C,Travel_B,保险 A', 'all of the tenant, newest first';
is search({})->json->{total}, 4, 'no other tenant\'s, none that is deleted';
is titles({}, @acme), 'of acme', 'whose administrator sees his';
is titles({ title => '保险' }), '保险 D,保险 A', 'by title';
is titles({ title => 'TRAVEL_' }), 'Travel_B', 'in any case';
is titles({ title => '%' }), '100% C', 'a percent sign is one';
is titles({ userName => 'ANN' }), '100% C,Travel_B', 'by a part of the name';
is titles({ userName => '小' }), '保险 A', 'in Chinese';
is titles({ userName => '_' }), '', 'an underscore is one';
is titles({ userName => 'ann', title => 'travel' }), 'Travel_B', 'both';
is titles({ userName => '' }), titles({}), 'an empty name is any, also none';
is titles({ beginTime => $at[1] }), '保险 D,100% C,Travel_B', 'from a time on';
is titles({ endTime => $at[1] }), 'Travel_B,保险 A', 'up to a time';
is titles({ beginTime => $at[1], endTime => $at[2] }), '100% C,Travel_B', 'within';
is titles({ beginTime => $at[2], endTime => $at[1] }), '', 'within nothing';
is titles({ beginTime => 1, endTime => $at[0] - 86_400_000 }), '', 'long ago';
is titles({ beginTime => 9_007_199_254_740_992 }), '', 'in ages';
is titles({ endTime => 9_007_199_254_740_992 }), titles({}), 'up to then';
chat_refused search({ endTime => 9_007_199_254_740_994 }), 400, qr/endTime/, 'past all time';
is titles({ beginTime => 0, endTime => 0 }), titles({}), 'zeros are open';
is titles({ size => 2, page => 2 }), 'Travel_B,保险 A', 'pages';
is search({ size => 1 })->json->{total}, 4, 'with the total';
is_deeply search({ userName => '王小明' })->json->{list}[0]{author}{name}, '王小明',
    'each has its author';
for my $bad ({ page => -1 }, { size => 201 }, { beginTime => '2000' }, { beginTime => -1 },
    { endTime => 1.5 }, { title => 1 }, { userName => ['x'] }) {
	my ($name) = keys %$bad;
	chat_refused search($bad), 400, qr/$name/, "$name: 400";
}

# One of them.
my $id = $made{'保险 A'};
my $answer = an_answer($p, $id, question => '多少钱?', text => '十元');
my $doc = a_document($p, 'ann');
my $set = a_dataset($p, 'ann', 'of ann');
$p->put("/v1/chat/session/$made{'Travel_B'}", login($p, 'ann'), json => { session => {
	module => 2, type => 'spark_dataset_chat', datasetId => $set, documentIds => [$doc] } });
my $got = $p->get("/v1/chat/data/session/$id", @admin);
is_deeply $got->json, $p->get("/v1/chat/session/$id", login($p, 'wang'))->json,
    'as its owner sees it';
is $got->json->{records}[0]{id}, $answer, 'with its records';
$got = $p->get("/v1/chat/data/session/$made{'Travel_B'}", @admin)->json;
is_deeply [$got->{dataset}{id}, map { $_->{id} } @{ $got->{documents} }], [$set, $doc],
    'its dataset and its documents';
for my $no ($foreign, $gone, 4711, 0, 'x', '-1', '9223372036854775808') {
	chat_refused $p->get("/v1/chat/data/session/$no", @admin), 404, qr/session \Q$no\E/,
	    "not there: $no";
}
chat_refused $p->get("/v1/chat/data/session/$id", @acme), 404, qr/$id/,
    'nor for another tenant\'s administrator';
chat_refused $p->get("/v1/chat/session/$id", @admin), 404, qr/$id/,
    'who administers owns nothing by that';
chat_refused $p->del("/v1/chat/session/$id", @admin), 404, qr/$id/, 'nor deletes';
chat_refused $p->get("/v1/chat/data/session/$id", login($p, 'wang')), 403, qr/role/,
    'its owner administers nothing';

$p->no_errors_logged;
done_testing;
