#!/usr/bin/perl
# /conv/like, /conv/unlike, /conv/rating

use v5.36;
use utf8;

use Mojo::JSON qw(decode_json);
use ParleyTest;
use ParleyTest::Arena;
use Test::More;

my $p = ParleyTest->new(models => 4, workers => 1);

sub like_it ($pri, %o)   { return $p->get('/conv/like', query => { priId => $pri }, %o) }
sub unlike_it ($pri, %o) { return $p->get('/conv/unlike', query => { priId => $pri }, %o) }
sub history ($session)   { return $p->get('/conv/his',
    query => { sessionId => $session })->json->{data}{chatMap} }
sub votes ()             { return $p->sql('SELECT lane, answer FROM vote') }

# Nothing answered yet.
my $fresh = create($p);
refused like_it($fresh->{priIdMapping}{ALPHA}), 409, qr/模型A/, 'nothing to like yet';
refused unlike_it($fresh->{priIdMapping}{ALPHA}), 409, qr/模型A/, 'nor to unlike';
$p->stream(POST => '/conv/chat/pri', json => body($p, 'in private',
    pri => $fresh->{priIdMapping}{ALPHA}));
refused like_it($fresh->{priIdMapping}{ALPHA}), 409, qr/模型A/, 'a private answer is none to like';
ok !exists history($fresh->{sessionId})->{ALPHA}[0]{modelCode}, 'nothing is revealed';

# A vote reveals.
my ($session, $pri) = begin($p, 'one');
my ($other) = begin($p, 'another');
is_deeply [grep { exists $_->{modelCode} } map { @$_ } values %{ history($session) }], [],
    'masked before the vote';
is_deeply [map { $_->{liked} } map { @$_ } values %{ history($session) }], [(\0) x 4],
    'nobody is liked';
done_true like_it($pri->{BRAVO}), 'like';
my $map = history($session);
my %dealt = map { $_->{mask} => $_->{code} } @{ $p->sql('SELECT l.mask, m.code FROM lane l'
    . ' JOIN model m ON m.id = l.model'
    . ' WHERE l.session = ?', $session =~ s/chat_//r) };
is_deeply { map { $_ => $map->{$_}[0]{modelCode} } keys %$map }, \%dealt,
    'now the history names the models';
is_deeply [map { $map->{$_}[0]{liked} } qw(ALPHA BRAVO CHARLIE DELTA)], [\0, \1, \0, \0],
    'and who is liked';
is_deeply [grep { exists $_->{modelCode} } map { @$_ } values %{ history($other) }], [],
    'other sessions stay masked';
done_true like_it($pri->{BRAVO}), 'like again';
is @{ votes() }, 1, 'changes nothing';
done_true like_it($pri->{ALPHA}), 'like another';
is @{ votes() }, 2, 'two are liked';

# Each vote is for the lane's last public answer.
$p->stream(POST => '/conv/chat', json => body($p, 'two', session => $session));
done_true like_it($pri->{BRAVO}), 'like the next answer';
is_deeply [map { $_->{liked} } @{ history($session)->{BRAVO} }], [\1, \1], 'both are liked';
done_true unlike_it($pri->{BRAVO}), 'unlike';
is_deeply [map { $_->{liked} } @{ history($session)->{BRAVO} }], [\1, \0], 'takes the last back';
done_true unlike_it($pri->{BRAVO}), 'unlike again';
ok history($session)->{BRAVO}[1]{modelCode}, 'the masks stay off';

# unlike alone is no vote
my ($shy, $shy_pri) = begin($p, 'three');
done_true unlike_it($shy_pri->{ALPHA}), 'unlike what was never liked';
is_deeply [grep { exists $_->{modelCode} } map { @$_ } values %{ history($shy) }], [],
    'reveals nothing';

# others
for my $bad ('nonsense', '0' x 32, '') {
	refused like_it($bad), length $bad ? 404 : 400, qr/priId/, "no lane '$bad'";
}
refused like_it($pri->{ALPHA}, user => 'bob'), 404, qr/priId $pri->{ALPHA}/, 'not by others';
refused unlike_it($pri->{ALPHA}, user => 'bob'), 404, qr/priId $pri->{ALPHA}/, 'nor unlike';
refused $p->get('/conv/like'), 400, qr/priId/, 'a priId is required';

# rating
my %rating = (priId => $pri->{CHARLIE}, scores => { '准确' => 8, style => 6.5 }, remark => '不错');
done_true $p->post('/conv/rating', json => \%rating), 'rating';
my $row = $p->sql('SELECT lane, scores, remark FROM rating');
is_deeply [$row->[0]{lane}, $row->[0]{remark}], [2, '不错'], 'stored with its remark';
utf8::encode(my $scores = $row->[0]{scores});
is_deeply decode_json($scores), $rating{scores}, 'and its scores';
done_true $p->post('/conv/rating', json => { %rating, scores => { style => 0 }, remark => undef }),
    'rate again';
is_deeply $p->sql('SELECT scores, remark FROM rating'),
    [{ scores => '{"style":0}', remark => undef }], 'the last counts';
done_true $p->post('/conv/rating', form => { priId => $pri->{CHARLIE}, 'scores.style' => '9.5' }),
    'rate by form';
is $p->sql('SELECT scores FROM rating')->[0]{scores}, '{"style":9.5}', 'stored';
my $before = row_count($p);
refused $p->post('/conv/rating', json => { %rating, scores => $_->[0] }), 400, $_->[1], $_->[2] for
    [{ style => 11 }, qr/scores/, 'over 10'], [{ style => -1 }, qr/scores/, 'below 0'],
    [{ style => 'good' }, qr/scores/, 'not a number'], [[1], qr/scores/, 'a list'],
    ['8', qr/scores/, 'a string'],
    [{}, qr/scores/, 'none'], [{ map { $_ => 1 } 1 .. 33 }, qr/scores/, 'too many'];
refused $p->post('/conv/rating', json => { scores => { a => 1 } }), 400, qr/priId/,
    'a priId is required';
refused $p->post('/conv/rating', json => { priId => $pri->{ALPHA} }), 400, qr/scores/,
    'scores are required';
refused $p->post('/conv/rating', json => { %rating, priId => 'x' }), 404, qr/priId x/,
    'no such lane';
refused $p->post('/conv/rating', json => \%rating, user => 'bob'), 404, qr/priId/, 'not by others';
is row_count($p), $before, 'nothing of it is stored';

$p->no_errors_logged;
done_testing;
