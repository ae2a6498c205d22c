#!/usr/bin/perl
# The whole sites, parley.conf of nginx and Apache, with TLS and HTTP/2: what the stack's own web
# server has not. Their files are taken as they are but for addresses and places.

use v5.36;
use utf8;

use Mojo::JSON  qw(decode_json encode_json);
use Test::More;
use Time::HiRes qw(time);

use ParleyTest;
use ParleyTest::Process;

my $p   = ParleyTest->new(models => 2, workers => 1);
my $dir = $p->dir . '/tls';
my $run = $p->{env}{PARLEY_DB_SOCKET} =~ s{/[^/]+\z}{}r;
my ($plain, $tls) = map { ParleyTest::Process::free_port() } 1 .. 2;
my $site = "https://localhost:$tls";
my $server;
END { ParleyTest::Process::stop($server) if $server && ParleyTest::Process::is_owner() }

mkdir $_ or die "$_: $!" for $dir, map { "$dir/$_" } qw(log run tmp);
my ($exit, undef, $err) = ParleyTest::Process::capture([qw(openssl req -x509 -newkey rsa:2048
    -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost), '-keyout',
    "$dir/privkey.pem", '-out', "$dir/fullchain.pem"]);
is $exit, 0, 'a certificate' or BAIL_OUT($err);

my %front = (nginx => \&nginx, apache => \&apache);
for my $name (sort keys %front) {
	subtest $name => sub {
		$server = ParleyTest::Process::start([$front{$name}->()],
		    stderr => "$dir/log/start");
		up() && looks($name);
		ParleyTest::Process::stop($server);
		undef $server;
		is complaints(), '', 'it has nothing to complain of';
	};
}
$p->no_errors_logged;
done_testing;

# ---- the servers -----------------------------------------------------------------------------

# A file of the sources, its @names@ replaced.
sub filled ($file, %with) {
	my $text = ParleyTest::Process::slurp("$p->{top}/$file");
	$text =~ s/\@(\w+)\@/$with{$1} \/\/ die "$file: \@$1\@"/ge;
	return $text;
}

# The site's file with our addresses, certificate and logs.
sub site_file ($file) {
	my $conf = filled($file, pkgdatadir => $p->{top}, runstatedir => '@run@');
	$conf =~ s{\@run\@/parley/}{$run/}g;
	$conf =~ s{/etc/letsencrypt/live/parley\.example\.org}{$dir}g;
	$conf =~ s{/var/log/nginx}{$dir/log}g;
	$conf =~ s/parley\.example\.org/localhost/g;
	return $conf;
}

# What the private servers of scripts/stack have before they come to the site.
sub around ($file, $until) {
	my %with = (dir => $dir, run => "$dir/run", log => "$dir/log", tmp => "$dir/tmp",
	    top => $p->{top}, port => $plain, nofile => 1024, connections => 512,
	    user => $> ? '' : 'user root;', modules => '/usr/lib/apache2/modules');
	return filled($file, %with) =~ s/^\s*$until.*//msr;
}

sub nginx () {
	my $conf = site_file('nginx/parley.conf.in');
	$conf =~ s/^\tlisten\s+\[::\].*\n//mg;
	$conf =~ s/listen\t\t80;/listen 127.0.0.1:$plain;/ or die 'no port 80';
	$conf =~ s/listen\t\t443 /listen 127.0.0.1:$tls / or die 'no port 443';
	ParleyTest::Process::spew("$dir/nginx.conf",
	    around('nginx/stack.conf.in', 'include') . $conf . "}\n");
	return ('nginx', '-p', "$dir/", '-c', 'nginx.conf', '-e', "$dir/log/error", '-g',
	    'daemon off;');
}

# As root it is www-data with the one capability that lets it reach our directory, as in the stack.
sub apache () {
	my $conf = site_file('apache/parley.conf.in');
	$conf =~ s/<VirtualHost \*:80>/<VirtualHost 127.0.0.1:$plain>/ or die 'no port 80';
	$conf =~ s/<VirtualHost \*:443>/<VirtualHost 127.0.0.1:$tls>/ or die 'no port 443';
	ParleyTest::Process::spew("$dir/apache.conf", around('apache/stack.conf.in', 'Define')
	    . join('', map { "LoadModule ${_}_module /usr/lib/apache2/modules/mod_$_.so\n" }
	    qw(ssl http2)) . "Listen 127.0.0.1:$tls\nDefine APACHE_LOG_DIR $dir/log\n$conf");
	chmod 0700, $dir;
	my @as = $> ? () : qw(setpriv --reuid=www-data --regid=www-data --clear-groups
	    --inh-caps=+dac_override --ambient-caps=+dac_override);
	return (@as, 'apache2', '-d', $dir, '-f', "$dir/apache.conf", '-DFOREGROUND');
}

sub up () {
	return $p->eventually('it answers', sub { (curl('/healthz'))[0] eq '2 200' }, 20)
	    // diag map { ParleyTest::Process::slurp($_) } glob "$dir/log/*";
}

# But that there are no pages yet.
sub complaints () {
	my $said = ParleyTest::Process::slurp("$dir/log/start");
	unlink "$dir/log/start";
	return $said =~ s/^.*DocumentRoot \[\S+\] does not exist\n//mr;
}

# ---- the client ------------------------------------------------------------------------------

sub command (@args) {
	return ('curl', '-skN', '--noproxy', '*', '--http2', '-m', 30, '-H', 'userId: tester',
	    @args);
}

# Version of HTTP and status, head and body.
sub curl ($path, @args) {
	my $url = $path =~ /^http/ ? $path : "$site$path";
	my ($exit, $out) = ParleyTest::Process::capture([command('-D', '-', '-w',
	    "\n%{http_version} %{http_code}", @args, $url)]);
	my ($head, $body, $said) = $out =~ /\A(.*?\r\n)\r\n(.*)\n(\S+ \d+)\z/s;
	return ($said // "exit $exit", $head // '', $body // '');
}

sub looks ($name) {
	my ($said, $head) = curl('/task/list');
	is $said, '2 200', 'HTTP/2';
	like $head, qr/^strict-transport-security: max-age=\d+\r$/mi,
	    'and no other way from then on';
	is((curl('/task/list', '--http1.1'))[0], '1.1 200', 'HTTP/1.1');
	($said, $head) = curl("http://localhost:$plain/task/list?x=1");
	is $said, '1.1 308', 'without TLS it is redirected';
	like $head, qr{^location: https://localhost/task/list\?x=1\r$}mi, 'to the same place';
	one_by_one();
	refused($name);
	return;
}

# Each delta of a slow answer comes when it is said.
sub one_by_one () {
	$p->script('m-a', { steps => [{ repeat => 8, steps => [{ delta => 'word ' },
	    { sleep => 0.1 }] }] });
	open my $stream, '-|', command('--compressed', '-H', 'Content-Type: application/json', '-d',
	    encode_json({ taskId => $p->task,
	    messages => [{ role => 'user', content => 'slowly' }] }),
	    "$site/conv/chat") or die "curl: $!";
	my ($got, @at) = ('');
	while (sysread $stream, $got, 65536, length $got) {
		push @at, time while $got =~ s/"delta":\{"content":"word "\}//;
	}
	close $stream;
	is $?, 0, 'the stream has an end';
	is scalar @at, 8, 'eight deltas of the slow lane';
	my @late = grep { $at[$_] - $at[$_ - 1] < 0.05 } 1 .. $#at;
	cmp_ok scalar @late, '<=', 1, 'one by one, a tenth of a second apart'
	    or diag join ' ', map { sprintf '%.3f', $_ - $at[0] } @at;
	return;
}

# The servers' own errors are JSON here too.
sub refused ($name) {
	my $big = "$dir/big";
	ParleyTest::Process::spew($big, '');
	truncate $big, 42 << 20;
	envelope(413, '/conv/chat', '--data-binary', "\@$big", '-H', 'Expect:');
	# To so long a header nginx says nothing over HTTP/2, it closes the connection.
	envelope(414, '/conv/chat?x=' . 'x' x 20_000) if $name ne 'nginx';
	like envelope(405, '/conv/chat', '-X', 'TRACE'), qr/^allow: POST, OPTIONS\r$/mi,
	    'with what is allowed';
	my ($said, undef, $body) = curl('/no/such/page');
	is $said, '2 404', 'no such page';
	is eval { decode_json($body)->{error}{code} }, 404, 'in JSON';
	return;
}

sub envelope ($status, $path, @args) {
	my ($said, $head, $body);
	# Whoever goes on sending a body that is refused may see a reset before the answer, or after
	# its head.
	for (1 .. 10) {
		($said, $head, $body) = curl($path, @args);
		last if $said =~ /^2 / && length $body;
	}
	is $said, "2 $status", "status $status";
	my $json = eval { decode_json($body) };
	is_deeply [sort keys %{ $json // {} }], [qw(code data msg)], 'in the envelope of the arena'
	    or diag $head, $body;
	return $head;
}
