#!/usr/bin/perl
# parley doctor: what it finds right behind nginx and Apache, and wrong behind servers that spoil
# things.

use v5.36;

use Mojo::JSON qw(decode_json);
use ParleyTest;
use ParleyTest::Process;
use Test::More;

my $p = ParleyTest->new(models => 2, workers => 1, delay => 12);

# Its findings by what was looked at; exit code and words.
sub doctor (@args) {
	my ($exit, $out, $err) = $p->parley('doctor', '--json', @args);
	my $json = eval { decode_json($out) } // {};
	return (exit => $exit, err => $err, ok => $json->{ok},
	    map { $_->{what} => $_ } @{ $json->{findings} // [] });
}

sub finding_is ($found, $what, $kind, $like = qr/./) {
	my $is = $found->{$what} // {};
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok +($is->{finding} // '') eq $kind && $is->{text} =~ $like, "$what: $kind"
	    or diag explain $is;
	return;
}

sub advice ($found, $what) { return join "\n", @{ ($found->{$what} // {})->{advice} // [] } }

# --- a server of the test's own, in front of the stack: perl code for its child, given its port

my @children;
END { ParleyTest::Process::is_owner() and ParleyTest::Process::stop($_) for @children }

sub front ($code) {
	my $port = ParleyTest::Process::free_port();
	my $file = $p->dir . "/front-$port.pl";
	ParleyTest::Process::spew($file, $code);
	push @children, ParleyTest::Process::start([$^X, $file, 'daemon', '-l',
	    "http://127.0.0.1:$port"], env => { MOJO_LOG_LEVEL => 'fatal', UPSTREAM => $p->url,
	    MOJO_MAX_MESSAGE_SIZE => 64 << 20 });
	my $up = eval { require IO::Socket::INET; 1 } && $p->eventually('a server in front', sub {
		IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) });
	return "http://127.0.0.1:$port";
}

# Fetches the whole reply first, and says it is nginx.
my $BUFFERS = <<'END';
use Mojolicious::Lite -signatures;
app->renderer->compress(0);
app->ua->max_redirects(0)->inactivity_timeout(60)->request_timeout(60);
any '/*rest' => sub ($c) {
	my $tx = $c->ua->build_tx($c->req->method, $ENV{UPSTREAM} . $c->req->url->path,
	    { 'Content-Type' => 'application/json', 'Accept-Language' => 'en' }, $c->req->body);
	$c->render_later->inactivity_timeout(60);
	$c->ua->start_p($tx)->then(sub ($t) {
		my $res = $t->res;
		$c->res->headers->server('nginx/1.0')->content_type($res->headers->content_type);
		$c->res->headers->content_encoding('gzip') if ADJUST eq 'gzip';
		$c->res->headers->date('Mon, 01 Jan 2024 00:00:00 GMT') if ADJUST eq 'clock';
		$c->render(data => $res->body, status => $res->code);
	})->catch(sub ($why) { $c->render(text => "<h1>$why</h1>", status => 502) });
};
app->max_request_size(ADJUST eq 'small' ? 1 << 16 : 64 << 20);
app->start;
END

sub buffers ($adjust) { return "use constant ADJUST => '$adjust';\n$BUFFERS" }

# --- all is well

for my $server (qw(nginx apache)) {
	if ($server eq 'apache') {
		my ($exit, $out, $err) = $p->stack('up', '--front', 'apache', '--port', 0);
		is $exit, 0, 'Apache in its place' or diag $out, $err;
	}
	my %found = doctor($server eq 'apache' ? $p->url =~ s/:\d+$//r . ':' . port() : ());
	is $found{exit}, 0, "$server: 0" or diag explain \%found;
	is $found{err}, '', 'without a word of error';
	finding_is(\%found, 'reachable', 'good', qr/$server/i);
	finding_is(\%found, $_, 'good') for 'schema', 'clock', 'database clock', 'descriptors',
	    'bodies',
	    'large bodies', 'compression', 'leaving';
	finding_is(\%found, 'WebSocket', 'good', qr/\b101\b/);
	finding_is(\%found, 'streaming', 'good', qr/^\d{2,} events in \d{2,} pieces/);
}

sub port () {
	my ($exit, $out) = $p->stack('status');
	return $out =~ m{http://127\.0\.0\.1:(\d+)\b} ? $1 : die "no port in $out";
}
my ($exit, $out) = $p->stack('up', '--front', 'nginx', '--port', $p->{port});
is $exit, 0, 'nginx again' or diag $out;

my ($text) = ($p->parley('doctor'))[1];
like $text, qr/^✓ streaming +\d/m, 'for people';

# --- behind one that holds answers back

my $held = front(buffers('nothing'));
my $site = $p->dir . '/site.conf';
ParleyTest::Process::spew($site, "server {\n\tproxy_buffering on;\n\tgzip on;\n}\n");
my %found = doctor($held, '--site', $site);
is $found{exit}, 1, 'an answer that is held back: 1';
ok !$found{ok}, 'not ok';
finding_is(\%found, 'streaming', 'bad', qr/at once/);
like advice(\%found, 'streaming'), qr/^\Q$site\E:2: proxy_buffering on;$/m, 'file and line';
like advice(\%found, 'streaming'), qr/X-Accel-Buffering/, 'and what to do';
unlike advice(\%found, 'streaming'), qr/gzip/, 'nothing else';
finding_is(\%found, 'bodies', 'good');
finding_is(\%found, 'WebSocket', 'bad', qr/not 101/);
like advice(\%found, 'WebSocket'), qr/parley_ws|ws_listen/, 'what to do';
($exit, $out) = $p->parley('doctor', $held, '--site', $site);
like $out, qr/^✗ streaming .*\n +→ \Q$site\E:2: /m, 'for people';

# --- that compresses, keeps bodies out, has another time

%found = doctor(front(buffers('gzip')), '--site', $site);
finding_is(\%found, 'compression', 'bad', qr/gzip/);
like advice(\%found, 'compression'), qr/^\Q$site\E:3: gzip on;$/m, 'file and line';
%found = doctor(front(buffers('clock')));
finding_is(\%found, 'clock', 'bad', qr/\d+ s behind/);
%found = doctor(front(buffers('small')));
finding_is(\%found, 'bodies', 'bad', qr/512 KiB/);
finding_is(\%found, 'large bodies', 'bad', qr/413/);
like advice(\%found, 'bodies'), qr/client_max_body_size/, 'what to do';

# --- whose program is away, or another

ParleyTest::Process::stop(pop @children) while @children;
%found = doctor($held);
is $found{exit}, 69, 'nobody there: 69';
finding_is(\%found, 'reachable', 'bad');
my $page = front(<<'END');
use Mojolicious::Lite -signatures;
any '/*rest' => { rest => '' } => sub ($c) { $c->render(text => '<h1>It works!</h1>') };
app->start;
END
%found = doctor($page);
is $found{exit}, 69, 'somebody else there: 69';
finding_is(\%found, 'reachable', 'bad', qr/not the program/);
kill TERM => $p->pids->{master};
$p->eventually('the workers are gone', sub { !defined $p->pids->{master} });
%found = doctor();
is $found{exit}, 69, 'the program is away: 69';
finding_is(\%found, 'reachable', 'bad', qr/behind it is not/);
$p->up;

# --- what cannot be examined is said

%found = doctor('-c', '/nowhere.conf');
is $found{exit}, 78, 'settings that are named have to be there';
($exit, $out) = $p->parley({ env => { PARLEY_CONF => undef } }, 'doctor', '--json', $p->url);
%found = map { $_->{what} => $_ } @{ decode_json($out)->{findings} };
finding_is(\%found, 'database', 'note', qr/no settings/);
finding_is(\%found, 'leaving', 'note');
finding_is(\%found, 'streaming', 'good');
is $exit, 0, 'all else is well';
$p->parley('model', 'disable', $_->{code}) for $p->models;
%found = doctor();
finding_is(\%found, 'streaming', 'note', qr/no model/);
is $found{exit}, 0, 'no model is no sickness';
is +($p->parley('doctor', 'localhost'))[0], 64, 'an address has http:// in front';

$p->no_errors_logged;
done_testing;
