#!/usr/bin/perl
# Clients as they are published: OpenAI's own, EventSource, fetch-event-source. They are installed
# from the registry of npm, with the versions of tests/npm/package-lock.json.

use v5.36;

use File::Temp ();
use Test::More;

use ParleyTest;
use ParleyTest::Process;
use ParleyTest::Release;

my $from = ($ENV{srcdir} // '.') . '/tests/npm';
my $dir = File::Temp->newdir('/tmp/pn-XXXXXX');

# Runs a command: its exit code, and all that it said.
sub run_it (@command) {
	my ($exit, $out, $err) = ParleyTest::Process::capture(\@command);
	return ($exit, $out . $err);
}

my ($exit, $said) = run_it('node', '--version');
plan skip_all => 'there is no Node.js of version 18 or later'
    if $exit || $said !~ /^v(\d+)/ || $1 < 18;
ParleyTest::Process::spew("$dir/" . s{.*/}{}r, ParleyTest::Process::slurp($_))
    for "$from/.npmrc", glob "$from/*.json $from/*.mjs";
($exit, $said) = run_it('npm', 'ci', '--prefix', "$dir");
plan skip_all => 'npm ci cannot install the clients: '
    . join ' ', ($said =~ /^npm (?:error|ERR!) (.+)$/mg)[0, 1]
    if $exit;

my $p = ParleyTest->new(models => 2, workers => 1);
my $key = $p->key;
my %env = (
	PARLEY_URL      => $p->url,
	PARLEY_UPSTREAM => $p->upstream->url =~ s{/v1$}{}r,
	PARLEY_KEY      => $key,
	PARLEY_HASTY    => scalar $p->key(user => 'hasty', rate => 1),
	PARLEY_TASK     => $p->task,
);
my %as = (user => undef, headers => { Authorization => "Bearer $key" });
my $session = $p->post('/v1/chat/session', json => { session => {} }, %as)->json->{session};
$env{PARLEY_SESSION} = $session->{id};
$env{PARLEY_MODEL} = (grep { $_->{code} eq 'm-a' }
    @{ $p->get('/v1/chat/models', %as)->json->{list} })[0]{id};
@env{qw(PARLEY_ASSISTANT PARLEY_VERSION PARLEY_RELEASE)} =
    @{ an_assistant($p) }{qw(id version release_key)};

for my $client (qw(openai eventsource fetch-event-source)) {
	subtest $client => sub {
		my ($exit, $out, $err) = ParleyTest::Process::capture(
			['node', "$dir/$client.mjs"], env => \%env);
		my $planned;
		for my $line (split /\n/, $out) {
			ok $1 eq 'ok', $2 if $line =~ /^(ok|not ok) \d+ - (.*)/;
			diag $1 if $line =~ /^# (.*)/;
			$planned = $1 if $line =~ /^1\.\.(\d+)$/;
		}
		ok !$exit && $planned, 'came to its end' or diag "exit $exit\n$err";
	};
}

$p->no_errors_logged;
done_testing;
