#!/usr/bin/perl
# The disk of state_dir is full: no turn begins, those that run end as ever, and nothing is left of
# what was refused.

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Streams;
use Test::More;

# A limit on the length of files is to the workers what a full disk is. They must not die of it.
$SIG{XFSZ} = 'IGNORE';
my $MIB = 1 << 20;

my $p = ParleyTest->new(models => 2, workers => 1);
my @models = map { $_->{code} } $p->models;

sub limit_files ($bytes) {
	for my $pid (@{ $p->pids->{workers} }) {
		system('prlimit', '--pid', $pid, "--fsize=$bytes:unlimited") == 0
		    or BAIL_OUT('prlimit does not work');
	}
	return;
}

# Sessions and turns that there are.
sub begun () { return join ' ', map { $p->sql("SELECT COUNT(*) AS n FROM $_")->[0]{n} }
    qw(session lane turn answer) }

sub asked_once ($question) { return $p->post('/conv/chat', json => body($p, $question),
    headers => { 'Idempotency-Key' => 'once', 'Accept-Language' => 'en' }) }

$p->script($_, steps(0.1, map { "$_ " } 1 .. 60)) for @models;
my ($refused, $before, $after, $filled);
my $running = $p->stream(POST => '/conv/chat', json => body($p, 'running'), on_event => sub {
	return if $filled++;

	# Disk is kept ahead for what runs; it is what comes after that which is not to be had.
	limit_files(9 * $MIB);
	$p->script($_, { steps => [{ big => $MIB }, { finish => 'stop' }, { done => 1 }] })
	    for @models;
	my $s = watched($p->post('/conv/chat', json => body($p, 'much')));
	is length($p->lanes($s->events)->{ALPHA}{text}), $MIB, 'what fills the disk is told itself';

	$before = begun();
	$refused = asked_once('too late');
	$after = begun();
});

refused $refused, 503, qr/state_dir/, 'a new question is refused';
like $refused->header('retry-after'), qr/^[1-9]\d*$/, 'which may be tried again';
is $after, $before, 'nothing is stored of it, no session either';
is $p->sql('SELECT COUNT(*) AS n FROM idempotency')->[0]{n}, 0, 'nor its key';
is_deeply [map { [@$_{qw(text finish)}] } values %{ $p->lanes($running->events) }],
    [([join('', map { "$_ " } 1 .. 60), 'stop']) x 2], 'what runs goes on to its end';
is_deeply [data_lines(resume($p, turn_of($running)))], [data_lines($running)],
    'and can be told again';
is $p->stream(POST => '/combine/chat', json => body($p, 'x'))->code, 503, 'for combined ones too';

limit_files('unlimited');
my $again;
$p->eventually('with disk again it is asked',
    sub { ($again = asked_once('too late'))->code == 200 });
is $p->stream(POST => '/conv/chat', json => body($p, 'x'))->code, 200, 'as is any other';

$p->no_errors_logged('no other error', allow => [qr/the disk of state_dir is full/]);
done_testing;
