#!/usr/bin/perl
# Call records: imported, found by the question, given to the models, cited; and what upstreams
# cite themselves.

use v5.36;
use utf8;

use Encode     qw(encode_utf8);
use Mojo::JSON qw(encode_json);
use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Process;
use Test::More;

my $p = ParleyTest->new(models => 2, workers => 1);
my @calls = (
	{ id => 'c1', summary => '客户要求宽带退款,情绪激动', start_time => '2024-11-04 09:00:00',
	    duration => 35,
	  callnumber => '13800000001', callednumber => '10086', labels => '退款|投诉' },
	{ id => 'c2', summary => '咨询5G套餐资费,未办理', start_time => '2024-11-05 09:00:00',
	    duration => 60,
	  callnumber => '13800000002', callednumber => '10086', labels => '咨询' },
	{ id => 'c3', summary => 'Customer asked for a refund of the ROAMING fee',
	    start_time => '2024-11-06T01:00:00Z',
	  duration => 5, callnumber => '13800000003', callednumber => '10010', labels => 'refund' },
	map { { id => "d$_", summary => "宽带故障报修,第${_}次来电",
	    start_time => '2024-12-01 00:00:00',
	    duration => $_,
	  callnumber => '1', callednumber => '2', labels => '' } } 1 .. 12,
);
my $file = $p->dir . '/calls.jsonl';
ParleyTest::Process::spew($file, join '', map { encode_json($_) . "\n" } @calls);
my ($exit, $out, $err) = $p->parley('import', 'calls', $file);
is $exit, 0, 'import' or diag $out, $err;

sub cited ($question, %o) {
	my $s = $p->stream(POST => '/conv/chat', json => body($p, $question, %o));
	my $lanes = $p->lanes($s->events);
	is_deeply [grep { @{ $_->{citations} } != 1 } values %$lanes], [],
	    "$question: one citations frame for each lane";
	is_deeply $lanes->{ALPHA}{citations}[0]{citations},
	    $lanes->{BRAVO}{citations}[0]{citations},
	    "$question: the same for all";
	return ($lanes->{ALPHA}{citations}[0]{citations}, $s);
}
sub ids ($citations) { return join ' ', map { $_->{id} } @$citations }

my ($found, $s) = cited('客户为什么要求退款?');
is $found->[0]{id}, 'c1', 'the best comes first';
is_deeply $found->[0], $calls[0], 'as it was imported';
is_deeply [grep { @{ $_->{data}{citations} }
    && defined $_->{data}{choices}[0]{finish_reason} } @{ $s->events }], [],
    'no other frame has any';
my ($asked) = $p->upstream_log;
my $system = $asked->{body}{messages}[0];
is $system->{role}, 'system', 'the models are told';
like $system->{content}, qr/客户要求宽带退款/, 'what was found';
is $asked->{body}{messages}[-1]{content}, '客户为什么要求退款?', 'and asked the question as it was';

is ids((cited('ＲＥＦＵＮＤ for Roaming'))[0]), 'c3', 'folded by Unicode and case';
is $calls[2]{id}, 'c3', 'a time with a zone';
is((cited('refund'))[0][0]{start_time}, '2024-11-06 09:00:00', 'is told in the configured one');
is ids((cited('天气'))[0]), '', 'nothing to be found';
is scalar(@{ (cited('宽带故障'))[0] }), 8, 'the best eight';

# Only calls begun within [start_time, end_time].
is ids((cited('退款 refund', start_time => '2024-11-05 00:00:00'))[0]), 'c3', 'from start_time on';
is ids((cited('退款 refund', end_time => '2024-11-05 00:00:00'))[0]), 'c1', 'until end_time';
is ids((cited('退款', start_time => '2024-11-04 09:00:00', end_time => '2024-11-04 09:00:00'))[0]),
    'c1', 'both inclusive';
is ids((cited('退款', start_time => '2024-11-04T01:00:01Z', end_time => '2024-11-30'))[0]), '',
    'to the second';

# They are stored with each answer.
my ($session) = $s->events->[0]{data}{session_id};
my $map = $p->get('/conv/his', query => { sessionId => $session })->json->{data}{chatMap};
is_deeply $map->{$_}[0]{citations}, $found, "$_: the history has them" for qw(ALPHA BRAVO);

# What an upstream cites itself comes after.
$p->script('m-a', { steps => [{ delta => 'x' }, { citations => [{ id => 'web-1', title => '标题',
    n => { deep => [1.5] } }] },
	{ finish => 'stop' }, { done => 1 }] });
$s = $p->stream(POST => '/conv/chat', json => body($p, 'refund'));
my ($own) = grep { @$_ == 2 } map { $_->{citations}[0]{citations} }
    values %{ $p->lanes($s->events) };
is ids($own), 'c3 web-1', 'both';
is_deeply $own->[1], { id => 'web-1', summary => undef, start_time => undef, duration => 0,
    callnumber => undef, callednumber => undef, labels => undef },
    'with the members of the document, and no others';

# combine: cited, not stored.
my $rows = row_count($p) =~ s/.*(citation=\d+).*/$1/r;
$s = $p->stream(POST => '/combine/chat', json => body($p, 'refund'), user => undef);
is ids($p->lanes($s->events)->{ALPHA}{citations}[0]{citations}), 'c3', '/combine/chat cites';
is row_count($p) =~ s/.*(citation=\d+).*/$1/r, $rows, 'and stores nothing of it';

# The same id again replaces the record.
ParleyTest::Process::spew($file, encode_json({ %{ $calls[0] }, summary => '客户撤销了投诉' })
    . "\n");
is(($p->parley('import', 'calls', $file))[0], 0, 'import again');
unlike ids((cited('退款'))[0]), qr/c1/, 'the old words find nothing';
is ids((cited('撤销'))[0]), 'c1', 'the new ones do';

$p->no_errors_logged;
done_testing;
