package ParleyTest::Upstream;

# A demo upstream under control: scripts/demo-upstream as a child of the test.

use v5.36;

use Carp        qw(croak);
use File::Temp  ();
use Time::HiRes qw(sleep time);

use ParleyTest::Http;
use ParleyTest::Process;

# Starts one. Named: models (list of names), delay (ms between deltas, 2), key, args (more
# arguments).
sub new ($class, %o) {
	my $self = bless {
		dir    => File::Temp->newdir('/tmp/pu-XXXXXX'),
		models => $o{models} // [qw(demo-a demo-b demo-c demo-d)],
		delay  => $o{delay} // 2,
		key    => $o{key},
		args   => $o{args} // [],
		port   => 0,
	}, $class;
	ParleyTest::Process::guard($self);
	$self->start;
	return $self;
}

# Starts it again after stop, on the port it had.
sub start ($self) {
	my $top = $ENV{srcdir} // '.';
	my $file = "$self->{dir}/port";

	unlink $file;
	$self->{pid} = ParleyTest::Process::start([
		$^X, "$top/scripts/demo-upstream", '--control',
		'--port', $self->{port}, '--port-file', $file,
		'--delay', $self->{delay}, '--models', join(',', @{ $self->{models} }),
		defined $self->{key} ? ('--key', $self->{key}) : (), @{ $self->{args} },
	], stdout => "$self->{dir}/log", stderr => "$self->{dir}/log");
	my $until = time + 20;
	until (-e $file) {
		my $ended = ParleyTest::Process::wait_for($self->{pid}, 0);
		croak 'the demo upstream does not start: ' . $self->log_text
		    if defined $ended || time > $until;
		sleep 0.005;
	}
	$self->{port} = 0 + ParleyTest::Process::slurp($file);
	$self->{http} = ParleyTest::Http->new("http://127.0.0.1:$self->{port}");
	return $self;
}

# Ends the process; the port refuses connections then.
sub stop ($self) {
	ParleyTest::Process::stop(delete $self->{pid}) if $self->{pid};
	return;
}

sub port ($self) { return $self->{port} }
sub pid ($self)  { return $self->{pid} }
sub http ($self) { return $self->{http} }

# The address to register, with its /v1.
sub url ($self) { return "http://127.0.0.1:$self->{port}/v1" }

# Queues a script for the next request of a model; scripts/lib/Demo/Faults.pm says what it can do.
# It may have to say a lot to others first.
sub script ($self, $model, $script) {
	my $reply = $self->{http}->post('/_script', timeout => 120,
	    json => { %$script, model => $model });
	croak "script for $model: " . ($reply->error // $reply->body) if $reply->code != 200;
	return;
}

# Forgets the scripts that have not been played.
sub unscript ($self) { return $self->{http}->del('/_script')->code == 204 }

# The requests it has seen, oldest first.
sub log ($self) { return @{ $self->{http}->get('/_log')->json } }
sub clear_log ($self) { return $self->{http}->del('/_log')->code == 204 }

# What the process wrote on standard error.
sub log_text ($self) { return ParleyTest::Process::slurp("$self->{dir}/log") }

sub tear_down ($self) { return $self->stop }

sub DESTROY ($self) {
	local ($?, $@, $!);
	$self->tear_down if ParleyTest::Process::is_owner() && ${^GLOBAL_PHASE} ne 'DESTRUCT';
	return;
}

1;
