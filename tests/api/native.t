#!/usr/bin/perl
# /healthz, /readyz, /v1/auth/guest; the native envelope; CORS; no identity where none is needed.

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Process;
use Test::More;

my $p = ParleyTest->new(models => 0, workers => 1, user => undef,
    set => { cors_origins => 'https://page.example,https://other.example' });

sub refused ($r, $status, $like, $name) {
	my $error = ($r->json // {})->{error} // {};
	ok $r->code == $status && ($error->{code} // 0) == $status
	    && ($error->{message} // '') =~ $like
	    && join(',', sort keys %$error) eq 'code,message,type', $name or diag $r->code . ' '
	    . $r->body;
}

my $health = $p->get('/healthz');
is $health->code, 200, 'healthz';
is_deeply $health->json, { status => 'ok' }, 'says so';
is $health->header('cache-control'), 'no-store', 'anew each time';
like $health->header('x-request-id'), qr/^\S+$/, 'every reply has an id';
is $p->get('/healthz', headers => { 'X-Request-Id' => 'mine-1' })->header('x-request-id'), 'mine-1',
    'the caller\'s, where given';

my $no_model = $p->get('/readyz');
refused $no_model, 503, qr/models/, 'not ready without a model';
$p->add_model({ code => 'm-a', name => 'A', upstream => 'veiled-none', price_in => 1 });
is $p->get('/readyz')->code, 200, 'ready with one';
$p->parley('model', 'disable', 'm-a');
is $p->get('/readyz')->code, 503, 'a disabled one does not count';
$p->parley('model', 'enable', 'm-a');

# paths and methods
refused $p->get('/v1/nothing'), 404, qr{/v1/nothing}, 'no such path';
refused $p->get('/v1/%ff%fe'), 404, qr/\S/, 'a path that is no text';
my $wrong = $p->request('DELETE', '/v1/auth/guest');
refused $wrong, 405, qr/DELETE/, 'another method';
is $wrong->header('allow'), 'POST, OPTIONS', 'its Allow';
is $p->get('/api/v1/auth/guest')->code, 405, 'behind /api too';

# guests
my $guest = $p->post('/v1/auth/guest');
is $guest->code, 200, 'guest';
my $id = $guest->json->{guest_id};
like $id, qr/^[0-9a-f]{32}\.[0-9a-f]{32}$/, 'an id';
like $guest->header('set-cookie'),
    qr/^parley_guest=\Q$id\E; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/, 'its cookie';
is $guest->header('x-guest-id'), $id, 'its header';
isnt $p->post('/v1/auth/guest')->json->{guest_id}, $id, 'the next is another';
is $p->sql('SELECT COUNT(*) AS n FROM user')->[0]{n}, 0, 'unused guests have no row';

# CORS
my %from = (Origin => 'https://page.example');
my $r = $p->get('/healthz', headers => \%from);
is $r->header('access-control-allow-origin'), 'https://page.example', 'an origin of the setting';
is_deeply [split /, */, $r->header('access-control-expose-headers')],
    [qw(X-Stream-Id X-Stream-Replay X-Guest-Id X-Request-Id Retry-After)], 'may see our headers';
like $r->header('vary'), qr/Origin/, 'and caches know';
is $p->get('/healthz',
    headers => { Origin => 'https://evil.example' })->header('access-control-allow-origin'), undef,
    'no other';
is $p->get('/v1/nothing', headers => \%from)->header('access-control-allow-origin'),
    'https://page.example',
    'errors too can be read';
my $pre = $p->request('OPTIONS', '/conv/chat', headers => { %from,
    'Access-Control-Request-Method' => 'POST',
	'Access-Control-Request-Headers' => 'content-type, userid' });
is $pre->code, 204, 'a preflight';
is $pre->header('access-control-allow-methods'), 'POST, OPTIONS', 'what may be done';
is $pre->header('access-control-allow-headers'), 'content-type, userid', 'with which headers';
is $pre->body, '', 'and nothing else';

# a database that is away, and back
ParleyTest::Process::capture(['mariadb-admin', '--no-defaults',
    "--socket=$p->{env}{PARLEY_DB_SOCKET}",
	'--user=' . getpwuid($<), 'shutdown']);
is $p->get('/healthz')->code, 200, 'alive without a database';
my $away = $p->get('/readyz');
refused $away, 503, qr/\S/, 'but not ready';
like $away->header('retry-after'), qr/^\d+$/, 'try again';
like $p->get('/metrics')->body, qr/^parley_database_unavailable_total [1-9]/m,
    'the figures know, and need no database';
my $arena = $p->get('/task/list', user => 'ann');
is_deeply [$arena->code, $arena->json->{code}, $arena->json->{data}], [503, 503, undef],
    'the arena says so too';
like $arena->header('retry-after'), qr/^\d+$/, 'and when to try again';
$p->up;
$p->eventually('back again', sub { $p->get('/readyz')->code == 200 });

$p->no_errors_logged('quiet but for the database', allow => [qr/database|mysql|mariadb/i]);
done_testing;
