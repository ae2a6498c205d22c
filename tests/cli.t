#!/usr/bin/perl
# The command line: every command, its output for people and as JSON, and its exit codes.

use v5.36;
use utf8;

use Mojo::File qw(path);
use Mojo::JSON qw(decode_json to_json);
use ParleyTest;
use ParleyTest::Process;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $p = ParleyTest->new(models => 2, workers => 1, model_args => ['--idle', '7']);
my $dir = path($p->dir);
my $top = path('.')->to_abs;

# Runs a command: its exit code, and what it wrote to both ends as characters.
sub parley (@args) {
	my ($exit, @words) = $p->parley(@args);
	utf8::decode($_) for @words;
	return ($exit, @words);
}

# It fails with that code and one line that is like this.
sub fails ($code, $like, @args) {
	my ($exit, $out, $err) = parley(@args);
	my $name = join ' ', map { ref ? () : $_ } @args;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok $exit == $code && $err =~ /\Aparley: [^\n]+\n\z/ && $err =~ $like, "$code: $name"
	    or diag "exit $exit\n$out$err";
	return;
}

# It succeeds without a word on standard error; its output.
sub works (@args) {
	my ($exit, $out, $err) = parley(@args);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok $exit == 0 && $err eq '', join ' ', map { ref ? () : $_ } @args
	    or diag "exit $exit\n$out$err";
	return $out;
}

sub works_json (@args) {
	my $out = works(@args, '--json');
	utf8::encode($out);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $json = eval { decode_json($out) };
	ok defined $json, 'is JSON' or diag $@, $out;
	return $json;
}

sub file ($name, $text) {
	utf8::encode($text);
	ParleyTest::Process::spew("$dir/$name", $text);
	return "$dir/$name";
}

# --- the commands and their help

my ($list) = works('--help');
my @commands = $list =~ /^  ([a-z]+(?: [a-z]+)?)  +\S/mg;
is_deeply [@commands[0 .. 3]], ['serve', 'check', 'migrate', 'model add'], 'the list of commands';
ok !(grep { length > 80 } split /\n/, $list =~ s/^  .*//mgr), 'fits a terminal';

my $manual = path('man/parley.8')->slurp;
for my $command (@commands) {
	my $help = works(split(/ /, $command), '--help');
	like $help, qr/\Ausage: parley $command\b/, "$command explains itself";
	my @missing = grep { $_ ne 'help' && $_ ne 'json' && $manual !~ /Fl -$_\b/ }
	    $help =~ /^ .*?--([a-z-]+)/mg;
	is "@missing", '', "the manual has its options";
	my $entry = $command =~ s/ (?:en|dis)able$/ enable | disable/r;
	like $manual, qr/^\.It Cm \Q$entry\E\b/m, 'and the command';
}
like works('--version'), qr/\Aparley \d+\.\d+\.\d+\n\z/, 'version';
like works('model', '--help'), qr/model add.*model remove/s, 'a group explains itself';
is works('model', 'add', '-h'), works('model', 'add', '--help'), '-h';

fails 64, qr/command is missing/;
fails 64, qr/no command dance/, 'dance';
fails 64, qr/unknown option --loud/, '--loud', 'check';
fails 64, qr/add, list, show, test, enable, disable, remove/, 'model';
fails 64, qr/not paint/, 'model', 'paint';
fails 64, qr/unknown option --loud/, @$_, '--loud' for map { [split / /] } @commands;
fails 64, qr/unknown option -x/, 'check', '-x';
fails 64, qr/value is needed for --name/, 'model', 'add', 'x', '--name';
fails 64, qr/value is needed for -c/, 'check', '-c';
fails 64, qr/no value is taken by --arena/, 'model', 'add', 'x', '--arena=yes';
fails 64, qr/CODE is missing/, 'model', 'show';
fails 64, qr/one too many: b/, 'model', 'show', 'a', 'b';
fails 64, qr/one too many: now/, 'migrate', 'now';
fails 64, qr/--user SUBJECT is required/, 'import', 'documents', 'a.txt';
fails 64, qr/FILE.*is missing/, 'import', 'documents', '--user', 'x';
fails 64, qr/unknown option --json/, 'token', '--user', 'x', '--json';
fails 64, qr/--workers takes a number from 1 to 64, not `0`/, 'serve', '--workers', '0';
fails 64, qr/--threads takes a number/, 'serve', '--threads', 'many';

# --- settings

fails 78, qr/broken\.conf:2: unknown setting `wrokers`/, 'check', '-c',
    file('broken.conf', "threads = 2\nwrokers = 3\n");
fails 78, qr/broken\.conf:1: .*threads/, 'serve', '-F', '-c', file('broken.conf', "threads = 0\n");
fails 78, qr/nowhere\.conf/, '-c', "$dir/nowhere.conf", 'show', 'config';
fails 78, qr/PARLEY_TIMEZONE/, { env => { PARLEY_TIMEZONE => 'Mars/Olympus' } }, 'show', 'config';
my $config = file('good.conf', "threads = 9\n");
like works('show', 'config', '-c', $config), qr/^threads = 9\b/m, '-c behind the command';
like works('-c', $config, 'show', 'config'), qr/^threads = 9\b/m, '-c before it';
my $again = file('again.conf', works('show', 'config', '-c', $config));
is works('show', 'config', '-c', $again), works('show', 'config', '-c', $config),
    'what it shows is a settings file';

my %default = map { $_->{name} => $_ } @{ works_json('show', 'config') };
cmp_ok keys %default, '>', 30, 'all settings';
my $settings = path('man/parley.conf.5')->slurp;
my %documented = $settings =~ /^\.It Va (\w+) Pq (.*)$/mg;
is_deeply [sort keys %documented], [sort keys %default], 'the manual has the same settings';
for my $name (sort keys %documented) {
	my ($is, $says) = ($default{$name}{default}, $documented{$name});
	$is = $is ? 'on' : 'off' if ref $is;
	$is = 'none' if $is eq '';
	$is =~ s{^/usr/local/var/(run|lib)/}{$1 eq 'run' ? '/run/' : '/var/lib/'}e;
	$is =~ s{^.*/(parley/\w+\.sock)$}{/run/$1};
	$is =~ s{^.*/lib/parley$}{/var/lib/parley};
	$says *= 1048576 if $says =~ s/^(\d+)M$/$1/;
	is $says, $is, "its default of $name";
}

# --- check

my $check = works('check');
like $check, qr/^✓ $_\b/m, "check: $_" for qw(settings database schema statements connections
    listen ws_listen tokens arena documents descriptors), 'state directory', 'model m-a';
my $found = works_json('check');
ok $found->{ok}, 'ok';
is_deeply [grep { $_->{finding} eq 'bad' } @{ $found->{findings} }], [], 'nothing bad';

my %away = (env => { PARLEY_DB_SOCKET => '/nowhere.sock', PARLEY_SCHEMA_DIR => "$top/schema" });
my ($exit, $out, $err) = parley(\%away, 'check');
is $exit, 69, 'check without a database: 69';
like $out, qr/^✗ database .*nowhere\.sock/m, 'says where it looked';
is $err, '', 'on standard output';
($exit, $out) = parley(\%away, 'check', '--json');
utf8::encode($out);
ok $exit == 69 && !decode_json($out)->{ok}, 'as JSON';
fails 69, qr/database is not available.*nowhere\.sock/, \%away, @$_
    for ['model', 'list'], ['model', 'add', 'x', '--name', 'x', '--url', 'http://x/v1',
	'--upstream-name', 'x'], ['migrate'], ['migrate', '--status'], ['show', 'models'],
	['show', 'usage'], ['show', 'streams'], ['stop', '4711'],
	['import', 'calls', 'x.csv'];

my $secret = file('secret', 'x' x 40);
chmod 0644, $secret;
($exit, $out) = parley({ env => { PARLEY_JWT_SECRET_FILE => $secret } }, 'check');
is $exit, 78, 'a secret that all can read';
like $out, qr/^✗ tokens .*everybody.*chmod/m, 'is named';
chmod 0600, $secret;
file('secret', 'short');
like works({ env => { PARLEY_JWT_SECRET_FILE => $secret } }, 'check'), qr/^– tokens .*short/m,
    'a short one as well';
($exit, $out) = parley({ env => { PARLEY_STATE_DIR => '/proc/nowhere' } }, 'check');
is $exit, 73, 'a state directory that cannot be';

# --- migrate

my %fresh = (env => { PARLEY_DB_NAME => 'parley_fresh', PARLEY_SCHEMA_DIR => "$top/schema" });
$p->sql('CREATE DATABASE parley_fresh');
fails 69, qr/schema.*migrate/, \%fresh, 'model', 'list';
($exit, $out) = parley(\%fresh, 'check');
ok $exit == 69 && $out =~ /^✗ schema/m, 'check sees a schema that is not there';
($exit, $out) = parley(\%fresh, 'migrate', '--status');
is $exit, 1, 'something is not applied';
like $out, qr/^0001-core\.sql +not applied$/m, 'and named';
my $steps = () = glob "$top/schema/0*.sql";
$out = works(\%fresh, 'migrate');
is scalar(() = $out =~ /^applied \d{4}-\S+\.sql$/mg), $steps, 'all are applied';
like works(\%fresh, 'migrate'), qr/up to date/, 'once';
like works(\%fresh, 'migrate', '--status'), qr/^0001-core\.sql +20\d\d-/m, 'when';
is scalar(grep { $_->{applied} } @{ works_json(\%fresh, 'migrate', '--status') }), $steps,
    'as JSON';
fails 66, qr/PARLEY_SCHEMA_DIR/, { env => { PARLEY_SCHEMA_DIR => "$dir/nowhere" } }, 'migrate';

# --- models

my @add = ('--url', $p->upstream->url . '/', '--upstream-name', 'demo-a');
$out = works_json('model', 'add', 'qwen/max:1', '--name', '通义千问', @add, '--price-in', '0.5',
	'--price-out', '2', '--fallback', 'm-a', '--fallback', 'm-b', '--context', '8000',
	'--max-tokens', '500', '--connect', '2', '--first-token', '2m', '--idle', '30', '--total',
	'1h', '--concurrency', '3', '--key-env', 'NO_SUCH_KEY', '--logo', 'https://x/y.png');
like $out->{id}, qr/^\d{10,16}$/, 'its id';
is $out->{code}, 'qwen/max:1', 'its code';
my $shown = works_json('model', 'show', 'qwen/max:1');
my %want = (code => 'qwen/max:1', name => '通义千问', kind => 'chat', price_in => 0.5,
    price_out => 2,
	context => 8000, max_tokens => 500, connect => 2, first_token => 120, idle => 30,
	total => 3600, concurrency => 3, key_env => 'NO_SUCH_KEY', key_file => undef,
	upstream_name => 'demo-a', url => $p->upstream->url, logo => 'https://x/y.png',
	fallbacks => ['m-a', 'm-b'], id => $out->{id});
is_deeply { map { $_ => $shown->{$_} } keys %want }, \%want, 'all that was said of it';
ok $shown->{enabled} && !$shown->{arena}, 'enabled, not in the arena';
like works('model', 'show', 'qwen/max:1'), qr/^name +通义千问\n.*^key +env NO_SUCH_KEY\n.*m-b$/ms,
    'for people';
is_deeply [map { $_->{code} } @{ works_json('model', 'list') }], ['m-a', 'm-b', 'qwen/max:1'],
    'the list';
my @fare = @{ works_json('show', 'models') };
my @health = map { delete $_->{health} } @fare;
is_deeply \@fare, works_json('model', 'list'), 'show models has the same';
is join(' ', map { "$_->{breaker} $_->{in_flight} $_->{asked}" } @health),
    join(' ', ('closed 0 0') x 3), 'and how they fare';
like works('show', 'models'), qr/^CODE +ENABLED +BREAKER .*^m-a +yes +closed +0 /ms, 'for people';
my ($head, @lines) = split /\n/, works('model', 'list');
is index($head, 'KIND'), index($lines[2], 'chat') + 4, 'columns line up where Chinese is wide';

($exit, $out) = parley('check');
ok $exit == 78 && $out =~ m{^✗ model qwen/max:1 .*NO_SUCH_KEY}m, 'check misses its key';
my $key = file('key', "sk-1\n");
works('model', 'add', 'filed', '--name', 'f', @add, '--key-file', $key);
chmod 0644, $key;
($exit, $out) = parley('check');
like $out, qr/^✗ model filed .*everybody/m, 'and dislikes one that all can read';
chmod 0600, $key;
works('model', 'disable', 'qwen/max:1');
like works('check'), qr/^✓ model filed\b.*^– model qwen\S+ +disabled/ms,
    'all is well without it';

fails 65, qr/filed is registered already/, 'model', 'add', 'filed', '--name', 'f', @add;
fails 64, qr/--name NAME is required/, 'model', 'add', 'n', @add;
fails 64, qr/--kind takes one of chat\|image/, 'model', 'add', 'n', '--name', 'n', @add, '--kind',
    'poem';
fails 64, qr/is no code/, 'model', 'add', 'a b', '--name', 'n', @add;
fails 64, qr/is no code/, 'model', 'add', 'x' x 65, '--name', 'n', @add;
for my $url ('ftp://x/v1', 'x/v1', 'http://', 'http://x/v1?a=b', 'http://u:p@x/v1', 'http://x /') {
	fails 64, qr/--url/, 'model', 'add', 'n', '--name', 'n', '--upstream-name', 'n', '--url',
	    $url;
}
my @n = ('model', 'add', 'n', '--name', 'n', @add);
fails 64, qr/not both/, @n, '--key-env', 'A', '--key-file', $key;
fails 64, qr/name of a variable/, @n, '--key-env', 'sk-secret';
fails 64, qr/--price-in takes a price/, @n, '--price-in', $_ for '-1', 'nan', 'free', '1e30';
fails 64, qr/--total takes seconds/, @n, '--total', $_ for '0', '-1', '2 days', '5y';
fails 64, qr/--context takes a number/, @n, '--context', '0';
fails 64, qr/kind chat/, @n, '--kind', 'image', '--arena';
fails 64, qr/itself/, @n, '--fallback', 'n';
fails 64, qr/twice/, @n, '--fallback', 'm-a', '--fallback', 'm-a';
fails 66, qr/model nobody/, @n, '--fallback', 'nobody';
fails 66, qr/nowhere/, @n, '--key-file', "$dir/nowhere";
fails 66, qr/model n does not exist/, 'model', $_, 'n'
    for qw(show test enable disable remove);

works('model', 'enable', 'qwen/max:1');
ok works_json('model', 'show', 'qwen/max:1')->{enabled}, 'enabled again';
works('model', 'remove', 'qwen/max:1');
fails 66, qr/does not exist/, 'model', 'show', 'qwen/max:1';

# --- model test

$p->script('m-a', { steps => [{ delta => 'The sea ' }, { sleep => 0.2 }, { delta => 'is wide.' },
    { finish => 'stop' }, { usage => { prompt_tokens => 9, completion_tokens => 5 } },
    { done => 1 }] });
$out = works_json('model', 'test', 'm-a');
is $out->{text}, 'The sea is wide.', 'the answer';
is_deeply [@$out{qw(prompt_tokens completion_tokens deltas)}], [9, 5, 2], 'as the upstream counts';
ok !$out->{estimated}, 'not estimated';
ok $out->{first_token_s} > 0 && $out->{total_s} >= $out->{first_token_s} + 0.19, 'its times';
like works('model', 'test', 'm-a'), qr/\nfirst token +\d\.\d{3} s\n.*rate +\d+\.\d tokens/s,
    'for people';
my ($asked) = grep { $_->{code} && $_->{code} eq 'm-a' } $p->upstream_log;
ok $asked->{body}{stream}, 'it was streamed';
$p->script('m-a', { status => 401 });
fails 69, qr/401/, 'model', 'test', 'm-a';
$p->script('m-a', { status => 429, headers => { 'Retry-After' => 7 } });
fails 69, qr/429/, 'model', 'test', 'm-a';
works('model', 'add', 'silent', '--name', 's', '--upstream-name', 's', '--url',
	'http://127.0.0.1:1/v1');
fails 69, qr/connect/i, 'model', 'test', 'silent';
works('model', 'add', 'painter', '--name', 's', @add, '--kind', 'image');
fails 65, qr/only chat/, 'model', 'test', 'painter';
fails 78, qr/KEY_OF_NOBODY/, 'model', 'test', 'keyless'
    if works('model', 'add', 'keyless', '--name', 'k', @add, '--key-env', 'KEY_OF_NOBODY');
works('model', 'remove', $_) for qw(silent painter keyless filed);

# --- tokens

my $token = works('token', '--user', 'ann', '--name', '安', '--ttl', '5m');
chomp $token;
my @bearer = (user => undef, headers => { Authorization => "Bearer $token" });
$p->post('/task/add', json => { title => 'hers' }, @bearer);
is_deeply [map { $_->{val} } @{ $p->get('/task/list', user => 'ann')->json->{data} }], ['hers'],
    'the API takes the token';
is $p->sql('SELECT name FROM user WHERE subject = ?', 'ann')->[0]{name}, '安', 'with the name';
fails 64, qr/--user USER is required/, 'token';
fails 64, qr/--ttl takes seconds/, 'token', '--user', 'x', '--ttl', 'forever';
fails 78, qr/jwt_secret_file/, { env => { PARLEY_JWT_SECRET_FILE => '' } }, 'token', '--user', 'x';

# --- tenants and keys

like works_json('tenant', 'add', 'acme')->{id}, qr/^\d{10,16}$/, 'a tenant';
fails 65, qr/acme already/, 'tenant', 'add', 'acme';
fails 64, qr/NAME is text/, 'tenant', 'add', '';
fails 64, qr/NAME is text/, 'tenant', 'add', 'x' x 191;
is_deeply [map { $_->{name} } @{ works_json('tenant', 'list') }], ['default', 'acme'], 'the list';
like works('tenant', 'list'), qr/^\d+ +acme +20\d\d-/m, 'for people';

my $made = works_json('key', 'add', '--user', 'robot', '--tenant', 'acme', '--name', '报表',
	'--allowance', '12.5', '--calls', '7', '--rate', '3');
like $made->{key}, qr/^sk-[A-Za-z0-9_-]{43}$/, 'a key';
my ($bare) = works('key', 'add', '--user', 'robot') =~ /^(sk-[\w-]{43})$/ or diag 'no key';
is $p->sql('SELECT COUNT(*) AS n FROM user WHERE subject = ?', 'robot')->[0]{n}, 2,
    'the user is made, in each tenant';
my %key = map { $_->{id} => $_ } @{ works_json('key', 'list') };
is scalar keys %key, 2, 'both are listed';
my $listed = $key{ $made->{id} };
my %said = (begins => substr($made->{key}, 0, 9), name => '报表', tenant => 'acme',
    user => 'robot', allowance => 12.5, spent => 0, reserved => 0, left => 12.5, calls => 7,
    called => 0, rate => 3, assistant => undef);
is_deeply { map { $_ => $listed->{$_} } keys %said }, \%said, 'with all that was said';
ok !$listed->{revoked}, 'it counts';
my ($other) = map { $key{$_} } grep { $_ ne $made->{id} } keys %key;
is_deeply [@$other{qw(name allowance left calls rate)}], ['', undef, undef, 0, 0], 'no limits';
is_deeply [map { $_->{id} } @{ works_json('key', 'list', '--tenant', 'acme') }], [$made->{id}],
    'of one tenant';
is $p->sql('SELECT COUNT(*) AS n FROM api_key WHERE hash LIKE ? OR shown LIKE ?', 'sk-%',
    "$bare%")->[0]{n}, 0, 'the key itself is nowhere';
like works('key', 'list'), qr/^\d+ +sk-\S{6} +报表 +acme +robot +12\.50 +0\.00 +0\.00 +0\/7 +3 /m,
    'for people';
is $p->get('/v1/chat/models', user => undef, headers => { 'x-api-key' => $made->{key} })->code, 200,
    'it lets in';
works('key', 'set', $made->{id}, '--allowance', 'none', '--calls', '9', '--rate', 'none');
($listed) = @{ works_json('key', 'list', '--tenant', 'acme') };
is_deeply [@$listed{qw(allowance left calls rate)}], [undef, undef, 9, 0], 'set anew';
works('key', 'set', $made->{id}, '--allowance', '0');
($listed) = @{ works_json('key', 'list', '--tenant', 'acme') };
is_deeply [@$listed{qw(allowance calls)}], [0, 9], 'only what is named';
like works('key', 'revoke', $made->{id}), qr/is revoked, 0 running/, 'revoked';
ok works_json('key', 'list', '--tenant', 'acme')->[0]{revoked}, 'and shown so';
is $p->get('/v1/chat/models', user => undef, headers => { 'x-api-key' => $made->{key} })->code, 401,
    'lets in no more';
works('key', 'revoke', $made->{id});
my @robot = ('key', 'add', '--user', 'robot');
fails 64, qr/--user USER is required/, 'key', 'add';
fails 66, qr/no tenant nobody/, @robot, '--tenant', 'nobody';
fails 66, qr/no tenant nobody/, 'key', 'list', '--tenant', 'nobody';
fails 64, qr/--allowance takes an amount/, @robot, '--allowance', $_
    for '-1', '1e3', '1,5', '.5', '1.', '0.00000000001', '9' x 15;
fails 64, qr/--calls takes a number/, @robot, '--calls', $_ for '0', '-1', 'many', '1.5';
fails 64, qr/--rate takes a number/, @robot, '--rate', $_ for '0', '65536', ' 5';
fails 64, qr/--assistant takes an id/, @robot, '--assistant', 'Bob';
fails 66, qr/assistant 4711/, @robot, '--assistant', '4711';
fails 64, qr/--user takes/, 'key', 'add', '--user', 'guest:0123';
fails 64, qr/--name takes/, @robot, '--name', 'x' x 191;
fails 64, qr/ID is a number/, 'key', 'revoke', 'all';
fails 66, qr/key 4711 does not exist/, 'key', $_, '4711' for qw(set revoke);

# --- assistants, tools, intents, apps

sub json_file ($name, $data) { return file($name, to_json($data)) }

my %weather = (name => 'weather', description => 'Weather of a city',
    parameters => { type => 'object', properties => { city => { type => 'string' } } },
    url => 'https://api.example.org/{city}?u=c', headers => { 'X-Unit' => 'c' },
    secret_env => 'WEATHER_KEY', timeout => 5);
$out = works_json('tool', 'add', json_file('weather.json', \%weather));
is $out->{name}, 'weather', 'a tool';
my ($tool) = @{ works_json('tool', 'list') };
is_deeply $tool, { %weather, method => 'GET', id => $out->{id} }, 'all of it';
like works('tool', 'list'), qr/^\d+ +weather +GET +\S+ +WEATHER_KEY +5$/m, 'for people';
works('tool', 'add', json_file('clock.json', { name => 'clock', description => 'The time',
	url => 'http://127.0.0.1:1/now' }));
fails 65, qr/weather is registered already/, 'tool', 'add', "$dir/weather.json";
for my $bad ([qr/name is required/, name => undef], [qr/\bname has letters/, name => 'a b'],
    [qr/\bname has letters/, name => '1st'], [qr/description is required/, description => ''],
    [qr/`paramters`/, paramters => {}], [qr/method is one of GET/, method => 'get'],
    [qr/parameters has to be/, parameters => []],
    [qr/parameters\.type/, parameters => { type => 'array' }],
    [qr/parameters\.properties/, parameters => { type => 'object', properties => [] }],
    [qr/property `city`/, parameters => { type => 'object' }],
    [qr/url has to begin/, url => 'ftp://x/'], [qr/url names no host/, url => 'http:///x'],
    [qr/url has a \{/, url => 'http://x/{city'],
    [qr/`a b` is no name/, headers => { 'a b' => 'c' }],
    [qr/headers\.X-A has control/, headers => { 'X-A' => "a\nb" }],
    [qr/headers\.Authorization/, headers => { Authorization => 'Bearer x' }],
    [qr/headers has the wrong type/, headers => 'X-A: b'],
    [qr/secret_env is the name/, secret_env => 'sk-123'], [qr/timeout is out/, timeout => 0],
    [qr/timeout has the wrong type/, timeout => '5 minutes']) {
	my ($like, $member, $value) = @$bad;
	fails 65, qr/bad\.json: .*$like/, 'tool', 'add',
	    json_file('bad.json', { %weather, name => 'bad', $member => $value });
}
fails 65, qr/bad\.json: .*cannot be read/, 'tool', 'add', file('bad.json', '{"name":');
fails 65, qr/bad\.json: .*one JSON object/, 'tool', 'add', file('bad.json', '[1]');
fails 66, qr/nowhere\.json/, 'tool', 'add', "$dir/nowhere.json";
fails 66, qr/tool hammer does not exist/, 'tool', 'remove', 'hammer';

my %hours = (name => '营业时间', examples => ['几点开门?', 'When are you open?']);
works('intent', 'add', json_file('hours.json', { %hours, reply => '9:00-17:00' }));
$out = works_json('intent', 'add', json_file('steer.json',
	{ name => 'complaint', examples => ['It broke'], system => 'Be kind.' }));
my @intents = @{ works_json('intent', 'list') };
is_deeply [map { [@$_{qw(name reply system)}] } @intents],
    [['complaint', undef, 'Be kind.'], ['营业时间', '9:00-17:00', undef]], 'intents';
is_deeply $intents[1]{examples}, $hours{examples}, 'their examples';
like works('intent', 'list'), qr/营业时间 +its reply$/m, 'for people';
fails 65, qr/registered already/, 'intent', 'add', "$dir/hours.json";
for my $bad ([qr/either reply or system/],
    [qr/either reply or system/, reply => 'a', system => 'b'],
    [qr/examples is out of range/, reply => 'a', examples => []],
    [qr/examples\[1\] is empty/, reply => 'a', examples => ['x', '']],
    [qr/`exmaples`/, exmaples => ['x']]) {
	my ($like, @more) = @$bad;
	fails 65, qr/bad\.json: .*$like/, 'intent', 'add', json_file('bad.json', { %hours, @more });
}
works('intent', 'remove', $out->{id});
works('intent', 'remove', '营业时间');
fails 66, qr/intent complaint does not exist/, 'intent', 'remove', 'complaint';
like works('intent', 'list'), qr/no intent yet/, 'none is left';

works('import', 'documents', file('hours.txt', 'Open from 9 to 17.'), '--user', 'dora',
	'--dataset', 'house');
my ($dataset) = map { $_->{id} } @{ $p->sql('SELECT id FROM dataset') };
my $prompt = file('prompt.txt', "You sell bread.\n你卖面包。\n");
my $baker = works_json('assistant', 'add', '面包店', '--model', 'm-a', '--system', "\@$prompt",
	'--opening', '你好', '--dataset', $dataset, '--tool', 'weather', '--tool', $tool->{id},
	'--suggest', 'on', '--continue', 'on');
like $baker->{release_key}, qr/\Arel-[0-9a-f]{48}\z/, 'a release key';
my $assistant = works_json('assistant', 'show', $baker->{id});
is_deeply $assistant, { id => $baker->{id}, version => $baker->{version}, number => 1,
	versions => 1, name => '面包店', tenant => 'default', model => 'm-a',
	system => "You sell bread.\n你卖面包。\n", opening => '你好', published => undef,
	datasets => ["$dataset"], tools => ['weather'],
	map({ $_ => Mojo::JSON->true } qw(context suggest continue)),
	public => Mojo::JSON->false }, 'all of it';
like works('assistant', 'show', $baker->{id}), qr/^name +面包店\n.*^tools +weather$/ms,
    'for people';
my @stored = map { values %$_ } @{ $p->sql('SELECT * FROM assistant') };
ok !grep({ defined && /\Q$baker->{release_key}\E/ } @stored), 'the key is not stored';

like works('assistant', 'publish', $baker->{id}), qr/version 1, for callers with a token/,
    'published';
my $revised = works_json('assistant', 'update', $baker->{id}, '--context', 'off', '--tool', 'none',
	'--name', 'Bakery');
is $revised->{number}, 2, 'another version';
$assistant = works_json('assistant', 'show', $baker->{id});
is_deeply [@$assistant{qw(version name published system)}, $assistant->{tools},
	$assistant->{datasets}, !!$assistant->{context}, !!$assistant->{suggest}],
    [$revised->{version}, 'Bakery', $baker->{version}, "You sell bread.\n你卖面包。\n", [],
	["$dataset"], !!0, !!1], 'what was not said stays, and what is published';
like works('assistant', 'publish', $baker->{id}, '--public'), qr/version 2, for everybody/,
    'public';
like works('assistant', 'list'), qr/^\d+ +Bakery +default +2 +version 2, public$/m, 'the list';
works('assistant', 'unpublish', $baker->{id});
is_deeply [@{ works_json('assistant', 'list')->[0] }{qw(published versions)}], [undef, 2],
    'not any more';
$out = works_json('assistant', 'add', 'x', '--model', 'm-b', '--tenant', 'acme');
is works_json('assistant', 'show', $out->{id})->{tenant}, 'acme', 'of another tenant';

fails 66, qr/model nobody/, 'assistant', 'add', 'y', '--model', 'nobody';
fails 66, qr/no tenant nobody/, 'assistant', 'add', 'y', '--model', 'm-a', '--tenant', 'nobody';
fails 66, qr/dataset \d+ does not exist/, 'assistant', 'add', 'y', '--model', 'm-a', '--tenant',
    'acme', '--dataset', $dataset;
fails 66, qr/tool hammer/, 'assistant', 'add', 'y', '--model', 'm-a', '--tool', 'hammer';
fails 64, qr/`house` is no id of a dataset/, 'assistant', 'add', 'y', '--model', 'm-a',
    '--dataset', 'house';
fails 64, qr/--context takes one of on\|off/, 'assistant', 'add', 'y', '--model', 'm-a',
    '--context', 'maybe';
fails 64, qr/a name has 1 to 190/, 'assistant', 'add', 'x' x 191, '--model', 'm-a';
fails 66, qr/nowhere\.txt/, 'assistant', 'add', 'y', '--model', 'm-a', '--system',
    "\@$dir/nowhere.txt";
fails 66, qr/assistant 4711 does not exist/, 'assistant', $_, '4711'
    for qw(show update publish unpublish);
fails 64, qr/`me` is no id/, 'assistant', 'show', 'me';
is scalar @{ works_json('assistant', 'list') }, 2, 'what failed left nothing behind';

works('tool', 'remove', 'weather');
is_deeply [map { $_->{name} } @{ works_json('tool', 'list') }], ['clock'], 'a tool is removed';

$out = works_json('app', 'add', '标题', '--kind', 'text', '--model', 'm-a', '--template',
	'为{{主题}}写一个{{ 风格 }}的标题,关于{{主题}}', '--description', '写标题');
is_deeply $out->{inputs}, ['主题', '风格'], 'the inputs of an app';
my ($app) = @{ works_json('app', 'list') };
is_deeply [@$app{qw(id name kind model description)}],
    [$out->{id}, '标题', 'text', 'm-a', '写标题'], 'all of it';
like works('app', 'list'), qr/^\d+ +标题 +text +m-a +写标题$/m, 'for people';
for my $template ('{{a', '{{}}', '{{ }}', '{{a}b}}', '{{' . 'x' x 65 . '}}') {
	fails 65, qr/--template: /, 'app', 'add', 'x', '--kind', 'text', '--model', 'm-a',
	    '--template', $template;
}
fails 65, qr/kind chat.*wants image/, 'app', 'add', 'x', '--kind', 'image', '--model', 'm-a',
    '--template', 'a cat';

# --- import

sub calls () { return $p->sql('SELECT * FROM call_record ORDER BY ref') }

my $csv = file('calls.csv', <<'END');
id,summary,start_time,duration,callnumber,callednumber,labels,other
c1,"客户询问宽带,报装",2024-11-04 14:28:49,65,10086,13800000000,宽带|报装,x
c2,"two
lines, ""quoted""",2024-11-05T01:02:03Z,01:05,,,,
c3,no time,yesterday,3,,,,

,no id,2024-01-01,,,,,
c4,ok,1730701729,3,,,,
c5,"x"y,2024-01-01,1,,,,
c6,last line,2024-01-01,minus,,,,
c7,"never closed,2024-01-01,1,,,,
c8,after it,2024-01-02
END
($exit, $out, $err) = parley('import', 'calls', $csv);
is $exit, 65, 'an import with bad lines';
is $out, "$csv: 4 records imported, 5 bad lines skipped\n", 'their number';
is_deeply [$err =~ /^\Q$csv\E:(\d+): skipped: \S/mg], [5, 7, 9, 10, 11], 'each by its line'
    or diag $err;
my @calls = @{ calls() };
is "@{[map { $_->{ref} } @calls]}", 'c1 c2 c4 c8', 'the good ones are there';
is_deeply [@{ $calls[0] }{qw(summary start_ms duration callnumber callednumber labels)}],
    ['客户询问宽带,报装', 1730701729000, 65, '10086', '13800000000', '宽带|报装'], 'whole';
is $calls[1]{summary}, qq(two\nlines, "quoted"), 'quotes and line ends';
is_deeply [$calls[1]{start_ms}, $calls[1]{duration}, $calls[1]{labels}], [1730768523000, 65, undef],
    'zone, minutes, nothing';
is $calls[2]{start_ms}, 1730701729000, 'seconds since 1970';

my $postings = sub { $p->sql('SELECT COUNT(*) AS n FROM call_posting')->[0]{n} };
my $before = $postings->();
parley('import', 'calls', $csv);
is_deeply [map { $_->{id} } @{ calls() }], [map { $_->{id} } @calls], 'again: the same records';
is $postings->(), $before, 'and the same index';
is $p->sql('SELECT records FROM call_stats')->[0]{records}, 4, 'counted once';

my $excel = file('excel.CSV', "\x{feff}编号,开始时间,摘要\r\nk1,2024-01-01,中文\r\n"
    . "k2,2024-01-01,\"好\"\r\n");
is works('import', 'calls', $excel), "$excel: 2 records imported\n", 'BOM, CRLF, Chinese headings';
is +($p->sql('SELECT summary FROM call_record WHERE ref = ?', 'k2')->[0] // {})->{summary}, '好',
    'what stands in them';

my $jsonl = file('calls.jsonl', <<'END');
{"id":"j1","summary":"hello","start_time":"2024-01-01 00:00:00","labels":["a","b"],"duration":12}
{"id":2,"summary":"number","start_time":1730701729416}

not json
["j3"]
{"id":"j4","summary":"","start_time":"2024-01-01"}
{"id":"c1","summary":"replaced","start_time":"2024-01-01"}
END
($exit, $out, $err) = parley('import', 'calls', $jsonl);
is $exit, 65, 'JSON lines';
is_deeply [$err =~ /^\Q$jsonl\E:(\d+): /mg], [4, 5, 6], 'bad ones by number';
is_deeply [map { [@$_{qw(ref labels start_ms)}] } grep { $_->{ref} =~ /^(?:j1|2)$/ } @{ calls() }],
    [['2', undef, 1730701729416], ['j1', 'a|b', 1704038400000]], 'good ones';
is $p->sql('SELECT summary FROM call_record WHERE ref = ?', 'c1')->[0]{summary}, 'replaced',
    'the same id replaces';

$p->sql('INSERT INTO tenant (id, name, created_ms) VALUES (7, ?, 0)', 'other');
works('import', 'calls', $excel, '--tenant', 'other');
is $p->sql('SELECT COUNT(*) AS n FROM call_record WHERE tenant = 7')->[0]{n}, 2,
    'a tenant of its own';
fails 66, qr/no tenant nobody/, 'import', 'calls', $excel, '--tenant', 'nobody';
fails 66, qr/No such file/, 'import', 'calls', "$dir/nowhere.csv";
fails 65, qr/neither/, 'import', 'calls', $top->child('README.md')->to_string;
fails 65, qr/no column summary/, 'import', 'calls',
    file('short.csv', "id,start_time\n1,2024-01-01\n");
fails 65, qr/names id twice/, 'import', 'calls', file('twice.csv', "id,编号,summary,start_time\n");
fails 65, qr/empty/, 'import', 'calls', file('empty.csv', '');
ParleyTest::Process::spew("$dir/gbk.csv", "\xb1\xe0\xba\xc5,summary,start_time\n");
fails 65, qr/iconv/, 'import', 'calls', "$dir/gbk.csv";

# --- show

my $routes = works_json('show', 'routes');
my ($chat) = grep { $_->{path} eq '/conv/chat' } @$routes;
is_deeply [@$chat{qw(dialect who handler)}, $chat->{methods}],
    ['arena', 'user or guest', 'arena_conv_chat', ['POST']], 'a route';
like works('show', 'routes'), qr/^POST +\/conv\/chat +arena +user or guest +arena_conv_chat$/m,
    'for people';
my $sql = works_json('show', 'sql');
cmp_ok @$sql, '>', 40, 'the statements';
like works('show', 'sql'), qr/^-- MODEL_GET\nSELECT .*;$/m, 'for people';

like works('show', 'usage'), qr/no answers yet/, 'nothing was used';
like works('show', 'streams'), qr/nothing runs/, 'nothing runs';
is_deeply works_json('show', 'streams'), [], 'as JSON';
my @slow = (steps => [{ delta => 'eins ' }, { sleep => 1.5 }, { delta => 'zwei' },
    { finish => 'stop' }, { usage => { prompt_tokens => 1000, completion_tokens => 500 } },
    { done => 1 }]);
$p->script($_, { @slow }) for qw(m-a m-b);
my (@seen, @text);
my $s = $p->stream(POST => '/conv/chat', json => { taskId => $p->task,
    messages => [{ role => 'user', content => 'hi' }] }, on_event => sub ($event, $leave) {
	return if @seen;
	@seen = @{ works_json('show', 'streams') };
	@text = split /\n/, works('show', 'streams');
});
is $s->code, 200, 'a question';
is_deeply [sort map { $_->{model} } @seen], ['m-a', 'm-b'], 'both answers are seen running';
is_deeply [map { [@$_{qw(turn user voice)}, !!$_->{session}] } @seen],
    [([$s->header('x-stream-id'), 'tester', 'arena', !!1]) x 2], 'and whose they are';
is scalar(@text), 3, 'for people';
$p->eventually('they end', sub { !@{ works_json('show', 'streams') } });

my %usage = map { $_->{model} => $_ } @{ works_json('show', 'usage', '--days', '2') };
is_deeply [@{ $usage{'m-a'} }{qw(answers failed prompt_tokens completion_tokens estimated)}],
    [1, 0, 1000, 500, 0], 'what was used';
my ($a) = $p->models;
cmp_ok abs($usage{'m-a'}{cost} - $a->{price_in} * (1000 + 2 * 500) / 1e6), '<', 1e-9,
    'and its cost';
my ($sum) = $p->sql('SELECT SUM(amount) AS s FROM ledger')->[0]{s};
cmp_ok abs($usage{'m-a'}{cost} + $usage{'m-b'}{cost} - $sum), '<', 1e-9, 'the ledger agrees';
like works('show', 'usage'),
    qr/^20\d\d-\d\d-\d\d +- +m-a +1 +0 +1000 +500 +0\.00\d+$/m, 'for people';
fails 65, qr/taken part.*disable/, 'model', 'remove', 'm-a';

$p->no_errors_logged;
done_testing;
