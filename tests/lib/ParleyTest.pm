package ParleyTest;

use v5.36;

use Carp        qw(croak);
use Cwd         qw(getcwd);
use File::Temp  ();
use Mojo::JSON  qw(decode_json);
use Test::More  ();
use Time::HiRes qw(sleep time);

use ParleyTest::Database;
use ParleyTest::Http;
use ParleyTest::Process;
use ParleyTest::Upstream;

my @WORD = qw(Alpha Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike
    November Oscar Papa Quebec Romeo Sierra Tango Uniform Victor Whiskey Xray Yankee Zulu);

sub new ($class, %o) {
	my $self = bless {
		dir   => File::Temp->newdir('/tmp/pt-XXXXXX', CLEANUP => !$ENV{PARLEY_TEST_KEEP}),
		top   => $ENV{srcdir} // getcwd(),
		front => $o{front} // 'nginx',
		user  => exists $o{user} ? $o{user} : 'tester',
		set   => { %{ $o{set} // {} } },
	}, $class;
	$self->{set}{$_} = $o{$_} for grep { defined $o{$_} } qw(workers threads);
	$self->{stack} = "$self->{dir}/s";
	ParleyTest::Process::guard($self);

	my @letters = ('a' .. 'z')[0 .. ($o{models} // 4) - 1];
	my @models = map { {
		code     => "m-$_",
		upstream => "veiled-$_-70b",
		name     => 'Secret ' . $WORD[ord($_) - ord 'a'] . ' Corp',
		price_in => 1 + ord($_) - ord 'a',
	} } @letters;
	$self->{models} = \@models;
	$self->{upstream} = ParleyTest::Upstream->new(
		models => [@letters ? map { $_->{upstream} } @models : 'veiled-none'],
		delay  => $o{delay} // 2,
	);
	$self->up;
	my $args = $o{model_args} // [];
	$self->add_model($_, @{ (ref $args eq 'HASH' ? $args->{ $_->{code} } : $args) // [] })
	    for @models;
	return $self;
}

sub up ($self) {
	$self->{port} //= ParleyTest::Process::free_port();
	my ($exit, $out, $err) = $self->stack('up', '--no-demo',
		'--port', $self->{port}, '--front', $self->{front},
		$ENV{builddir} ? ('--build', $ENV{builddir}) : (),
		map { ('--set', "$_=$self->{set}{$_}") } sort keys %{ $self->{set} });
	croak "scripts/stack up: exit $exit\n$out$err" . $self->tail if $exit;
	$self->{up} = 1;
	$self->{env} //= $self->_read_env;
	my $url = $self->{env}{PARLEY_URL} =~ s{/$}{}r;
	$self->{http} //= ParleyTest::Http->new($url, user => $self->{user});
	return $self;
}

sub down ($self) {
	my ($exit, $out, $err) = $self->stack('down');
	$self->{up} = 0;
	croak "scripts/stack down: exit $exit\n$out$err" if $exit;
	return $self;
}

sub stack ($self, $command, @args) {
	return ParleyTest::Process::capture(
		["$self->{top}/scripts/stack", $command, '--dir', $self->{stack}, @args],
		env => { clean_env(), %{ $self->{env} // {} } }, dir => $self->{dir});
}

sub add_model ($self, $model, @args) {
	my ($exit, $out, $err) = $self->parley('model', 'add', $model->{code}, '--arena',
		'--name', $model->{name}, '--upstream-name', $model->{upstream},
		'--url', $self->{upstream}->url,
		'--price-in', $model->{price_in}, '--price-out', 2 * $model->{price_in}, @args);
	croak "parley model add $model->{code}: exit $exit\n$err" if $exit;
	return;
}

sub heal ($self, @models) {
	for my $code (@models) {
		my ($exit, $out, $err) = $self->parley('model', 'enable', $code);
		croak "parley model enable $code: exit $exit\n$err" if $exit;
	}
	return;
}

sub parley ($self, @args) {
	my %o = ref $args[0] ? %{ shift @args } : ();
	return ParleyTest::Process::capture(['parley', @args], seconds => 60, %o,
		env => { %{ $self->{env} }, %{ $o{env} // {} } }, dir => $self->{dir});
}

sub key ($self, %o) {
	my %named = (user => 'robot', %o);
	my ($exit, $out, $err) = $self->parley('key', 'add', '--json',
	    map { ("--$_", $named{$_}) } sort keys %named);
	croak "parley key add: exit $exit\n$err" if $exit;
	my $made = decode_json($out);
	return wantarray ? @$made{qw(key id)} : $made->{key};
}

# --- what the client sees

sub url ($self)              { return $self->{http}->url }
sub get ($self, @o)          { return $self->{http}->get(@o) }
sub post ($self, @o)         { return $self->{http}->post(@o) }
sub put ($self, @o)          { return $self->{http}->put(@o) }
sub del ($self, @o)          { return $self->{http}->del(@o) }
sub request ($self, @o)      { return $self->{http}->request(@o) }
sub stream ($self, @o)       { return $self->{http}->stream(@o) }
sub streams ($self, @o)      { return $self->{http}->streams(@o) }
sub raw ($self, @o)          { return $self->{http}->raw(@o) }

sub task ($self, $user = $self->{user}) {
	my $list = $self->get('/task/list', user => $user);
	return eval { $list->json->{data}[-1]{id} }
	    // croak join ' ', '/task/list:', $list->code, $list->body;
}

sub lanes ($self, $events) {
	my %lanes;
	for my $frame (map { $_->{data} } @$events) {
		next unless ref $frame eq 'HASH' && defined $frame->{maskCode};
		my $lane = $lanes{ $frame->{maskCode} } //= {
			text => '', finish => undef, error => undef, citations => [], frames => [],
			    late => [],
		};
		my $choice = ($frame->{choices} // [])->[0] // {};
		my $content = ($choice->{delta} // {})->{content};
		push @{ $lane->{frames} }, $frame;
		$lane->{error} //= $frame->{error};
		$lane->{priId} //= $frame->{privateId};
		if (defined $choice->{finish_reason}) {
			push @{ $lane->{late} }, $frame if defined $lane->{finish};
			$lane->{finish} //= $choice->{finish_reason};
		} elsif (!defined $lane->{finish}) {
			$lane->{text} .= $content // '';
		} elsif (length($content // '')) {
			push @{ $lane->{late} }, $frame;
		} else {
			push @{ $lane->{citations} }, $frame;
		}
	}
	return \%lanes;
}

sub reveals ($self, $bytes) {
	my $port = $self->{upstream}->port;
	my @secrets = (qr/127\.0\.0\.1:$port(?!\d)/, map { (
		qr/(?<![\w-])\Q$_->{code}\E(?![\w-])/i,
		qr/\Q$_->{upstream}\E|\Q$_->{name}\E/i,
	) } @{ $self->{models} });
	return map { $bytes =~ /(.{0,30}$_.{0,30})/ ? $1 : () } @secrets;
}

# --- what stands behind

sub upstream ($self) { return $self->{upstream} }
sub models ($self)   { return @{ $self->{models} } }
sub dir ($self)      { return "$self->{dir}" }

sub upstream_log ($self) {
	my %code = map { $_->{upstream} => $_->{code} } @{ $self->{models} };
	return map { { %$_, code => $code{ $_->{model} } } } $self->{upstream}->log;
}

sub script ($self, $model, $script) {
	my ($known) = grep { $_->{code} eq $model } @{ $self->{models} };
	return $self->{upstream}->script($known ? $known->{upstream} : $model, $script);
}

sub sql ($self, $query, @bind) {
	$self->{db} //= ParleyTest::Database->new(
		socket => $self->{env}{PARLEY_DB_SOCKET},
		user   => $self->{env}{PARLEY_DB_USER},
		name   => $self->{env}{PARLEY_DB_NAME},
		dir    => $self->{dir},
	);
	return [$self->{db}->sql($query, @bind)];
}

sub pids ($self) {
	my (%parent, %name, %children);
	my %process = $self->_processes;
	($parent{$_}, $name{$_}) = @{ $process{$_} } for keys %process;

	push @{ $children{ $parent{$_} } }, $_ for sort { $a <=> $b } keys %parent;
	my ($master) = sort { @{ $children{$b} // [] } <=> @{ $children{$a} // [] } || $a <=> $b }
	    grep { !$parent{ $parent{$_} } } keys %parent;
	my @children = @{ $children{ $master // '' } // [] };
	return {
		master  => $master,
		workers => [grep { $name{$_} eq 'parley worker' } @children],
		jobs    => [grep { $name{$_} eq 'parley jobs' } @children],
	};
}

sub sanitized ($self) {
	my ($worker) = @{ $self->pids->{workers} };
	return ParleyTest::Process::slurp("/proc/$worker/exe") =~ /__[at]san_init/;
}

# The processes of this stack's program: pid => [its parent's, its name].
sub _processes ($self) {
	my %process;
	for my $proc (glob '/proc/[0-9]*') {
		my ($stat, @from) = map { ParleyTest::Process::slurp("$proc/$_") }
		    qw(stat cmdline environ);
		my ($name, $state, $ppid) = $stat =~ /\((.*)\) (\S) (\d+)/s or next;
		next if $name !~ /^parley/ || $state eq 'Z';
		$process{ $proc =~ s{.*/}{}r } = [$ppid, $name]
		    if grep { index($_, "$self->{stack}/") >= 0 } @from;
	}
	return %process;
}

# --- the logs

sub log_lines ($self) { return map { $_->{entry} // () } $self->_log }

sub no_errors_logged ($self, $name = 'no errors in the logs', %o) {
	my @allow = @{ $o{allow} // [] };
	my @bad;
	for my $line ($self->_log) {
		next unless $line->{entry} ? $line->{entry}{level} =~ /^err/
		    : $line->{text} =~
		        /(?:ERROR|WARNING): \w+Sanitizer|runtime error:|Assertion .* failed/;
		push @bad, $line->{text} unless grep { $line->{text} =~ $_ } @allow;
	}
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return Test::More::ok(!@bad, $name) || Test::More::diag(join "\n", @bad);
}

sub tail ($self, $lines = 20) {
	my (@names, %text);
	for my $line ($self->_log) {
		push @names, $line->{file} unless $text{ $line->{file} };
		push @{ $text{ $line->{file} } }, $line->{text};
	}
	return join '', map {
		my @last = @{ $text{$_} };
		splice @last, 0, @last - $lines if @last > $lines;
		map { "$_\n" } "==> $_", @last;
	} grep { !m{/db[^/]*$} } @names;
}

# Lines of the stack's log files, in the order of their names; entry is the decoded object where
# the line is one of the service's own.
sub _log ($self) {
	my @lines;
	for my $file (sort glob "$self->{stack}/log/*") {
		push @lines, map { {
			file  => $file,
			text  => $_,
			entry => /^(?:<\d>)?(\{.*\})$/ ? entry($1) : undef,
		} } split /\n/, ParleyTest::Process::slurp($file);
	}
	return @lines;
}

sub entry ($json) {
	my $entry = eval { decode_json($json) };
	return ref $entry eq 'HASH' && defined $entry->{level} && defined $entry->{msg}
	    ? $entry : undef;
}

# --- waiting and ending

sub eventually ($self, $name, $condition, $seconds = 10) {
	my $until = time + $seconds;
	my $value;
	until ($value = $condition->()) {
		last if time > $until;
		sleep 0.02;
	}
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	Test::More::ok($value, $name);
	return $value;
}

sub tear_down ($self) {
	return if $self->{gone}++;
	Test::More::diag("the end of the logs:\n" . $self->tail)
	    if !Test::More->builder->is_passing && $self->{up};
	my ($exit, $out, $err) = -e "$self->{stack}/stack.state" ? $self->stack('down') : (0);
	warn "scripts/stack down: exit $exit\n$err" if $exit;
	my %left = $self->_processes;
	for my $pid (keys %left) {
		warn "parley process $pid was left running\n";
		kill KILL => $pid;
	}
	$self->{upstream}->tear_down if $self->{upstream};
	Test::More::diag("kept: $self->{dir}") if $ENV{PARLEY_TEST_KEEP};
	return;
}

sub DESTROY ($self) {
	local ($?, $@, $!);
	$self->tear_down if ParleyTest::Process::is_owner() && ${^GLOBAL_PHASE} ne 'DESTRUCT';
	return;
}

# Settings of the tester's own shell must not reach the service under test.
sub clean_env () {
	return map { $_ => undef } grep { /^PARLEY_/ && !/^PARLEY_TEST_/ } keys %ENV;
}

# What `eval "$(scripts/stack env)"` sets.
sub _read_env ($self) {
	my ($exit, $out, $err) = ParleyTest::Process::capture(
		['bash', '-c', 'eval "$("$0" env --dir "$1")" && env -0',
		    "$self->{top}/scripts/stack", $self->{stack}],
		env => { clean_env() }, dir => $self->{dir});
	my %env = map { split /=/, $_, 2 } split /\0/, $out;
	my @missing = grep { !length($env{$_} // '') }
	    qw(PARLEY_CONF PARLEY_URL PARLEY_DB_SOCKET PARLEY_DB_USER PARLEY_DB_NAME);
	croak "scripts/stack env: exit $exit, without @missing\n$err" if $exit || @missing;
	return { clean_env(), map { $_ => $env{$_} } grep { /^(?:PARLEY_.*|PATH)$/ } keys %env };
}

1;

__END__

=encoding utf8

=head1 NAME

ParleyTest - a whole Parley for one test program

=head1 SYNOPSIS

  use v5.36;
  use ParleyTest;
  use Test::More;

  my $p = ParleyTest->new(front => 'nginx', models => 2, workers => 1);
  is $p->get('/healthz')->code, 200;
  $p->no_errors_logged;
  done_testing;

Tests run from the top of the tree: C<prove -j2 -I tests/lib tests tests/api>.

=head1 DESCRIPTION

C<new> starts, in a directory of its own under F</tmp>: a demo upstream that obeys scripts
(F<scripts/demo-upstream --control>), and a stack without models (F<scripts/stack up --no-demo>)
with a database, workers and a web server; then it registers arena models that lead to that
upstream. All of it is ended when the object goes, or with the program, by INT or TERM too.

With C<PARLEY_TEST_KEEP> set in the environment the directory is kept. When a test has failed,
the end of the logs is shown.

=head2 new

  ParleyTest->new(%options)

=over

=item front => 'nginx' | 'apache'

=item models => 4

How many; 0 to 26. Their codes are C<m-a>, C<m-b>, …; see L</models>.

=item model_args => [...] | { code => [...] }

More arguments for each C<parley model add>, such as C<< ['--idle', 1] >>; or for those models
alone.

=item workers => N, threads => N, set => { name => value }

Settings of the stack (C<--set name=value>).

=item user => 'tester'

The C<userId> header of requests that do not say another; undef for none.

=item delay => 2

Milliseconds between two deltas of the demo's own answers.

=back

=head1 REQUESTS

=head2 get, post, put, del, request

  my $r = $p->post('/task/add', json => { title => 'x' }, user => 'alice');
  my $r = $p->request('PATCH', '/combine/chat', body => '{', timeout => 5);

C<request> takes the method first. Options: C<json> (a value), C<form> (a hash; multipart when a
value is C<< {content, filename} >>), C<body> (bytes; called JSON unless C<headers> say
otherwise), C<query>, C<headers> (undef = not sent), C<user> (undef = none), C<timeout> in
seconds. Returns a L<ParleyTest::Reply>: C<code> (0: no answer, C<error> says why), C<headers>
(names in lower case), C<< header($name) >>, C<body> (bytes), C<json>, C<head>, and C<seen>: all
bytes that the client could see. Nothing is decompressed, followed or kept from request to request.

=head2 stream

  my $s = $p->stream(POST => '/conv/chat', json => {...}, leave_after => 3);

A request that is answered by an event stream. Options as above, and C<< on_event => sub ($event,
$leave) {...} >>, called for each event as it arrives (C<< $leave->() >> hangs up), C<leave_after>
events, C<timeout> (30), C<raw> (its events are not decoded, which takes long where they are long).
Inside of C<on_event> other requests can be made. The reply has also:

=over

=item events

C<< [{data, raw, id, event, at}] >>: C<data> is the decoded JSON or the text, C<raw> the bytes,
C<at> the time of arrival.

=item comments, rest

Texts of comments such as pings; bytes after the last whole event.

=item begun, ended

Times of the headers and of the end.

=item aborted, left, timed_out

C<aborted> is a text when the server cut the body off. C<left> and C<timed_out> are true when the
client hung up.

=back

=head2 streams

  my ($one, $two) = $p->streams([POST => '/conv/chat', ...], [POST => ...]);

Several at once.

=head2 raw

  my $bytes = $p->raw("BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 2);

Bytes as they are; what comes back until the server closes or is silent so many seconds.

=head2 lanes

  my $lanes = $p->lanes($s->events);

The frames of an arena stream by C<maskCode>: C<< {text, finish, error, priId, citations, late,
frames} >>. C<citations> are the frames after the one with C<finish_reason>; C<late> frames of
other kinds that came after it, which there must be none of.

=head2 key

  my $key = $p->key(user => 'robot', allowance => '0.5', calls => 3);
  my ($key, $id) = $p->key;

A new API key by C<parley key add>, whose options these are.

=head2 task

  my $id = $p->task($user);

The oldest task of that user.

=head2 reveals

  is_deeply [$p->reveals($s->seen)], [], 'the lanes stay masked';

The places in those bytes that name a model: its code, name, upstream name or the upstream's host.

=head2 url

Scheme, host and port of the web server.

=head1 BEHIND THE SCENES

=head2 script

  $p->script('m-a', { status => 429, headers => { 'Retry-After' => 7 } });
  $p->script('m-b', { times => 0, steps => [{ delta => 'Hi' }, { sleep => 0.2 }, { close => 1 }] });

What the upstream does with the next requests for that model; F<scripts/lib/Demo/Faults.pm> and
F<scripts/lib/Demo/Player.pm> list the possibilities.

=head2 upstream_log

The requests that the upstream saw: C<< {n, time, method, path, model, code, headers, body, port,
scripted, status, events, ended, ended_at} >>, C<code> being ours, C<ended> one of C<running>,
C<complete>, C<aborted>.

=head2 upstream

The L<ParleyTest::Upstream>: C<stop>, C<start> (on the same port), C<clear_log>, C<unscript>,
C<port>.

=head2 models

C<< ({code, name, upstream, price_in}, ...) >>; the output price is twice C<price_in>, both per
million tokens.

=head2 sql

  my $rows = $p->sql('SELECT id, text FROM answer WHERE status = ?', 'failed');

Rows as hashes, all values text, NULL undef. C<?> must not stand inside of a literal.

=head2 parley

  my ($exit, $out, $err) = $p->parley('show', 'routes');
  my ($exit) = $p->parley({ stdin => "secret\n" }, 'user', 'add', 'ann');

The command line of the stack. Options: C<stdin>, C<env>, C<seconds>.

=head2 heal

  $p->heal('m-a', 'm-b');

Enables these models and closes their breakers, so that failures of one test do not keep the next
from its upstream.

=head2 stack, up, down, dir

C<< $p->stack('status') >> runs F<scripts/stack> on this stack and returns exit, stdout and
stderr. C<down> and C<up> stop it and start it again with its data. C<dir> is the directory above.

=head2 pids

C<< {master => N, workers => [...], jobs => [...]} >> as F</proc> shows them now: the master's
children by what they are for, once they say so.

=head2 sanitized

Do the workers run with AddressSanitizer or ThreadSanitizer? What they use of memory says nothing
then.

=head2 log_lines, tail

The service's log lines, decoded; the last lines of each log but the database's as text.

=head2 no_errors_logged

  $p->no_errors_logged('quiet', allow => [qr/upstream/]);

A test: no line of level error (or of a sanitizer) but those that match.

=head2 eventually

  my $row = $p->eventually('stored', sub { $p->sql('SELECT 1 FROM answer')->[0] }, 5);

A test: the condition comes true within so many seconds (10). Returns its value.

=cut
