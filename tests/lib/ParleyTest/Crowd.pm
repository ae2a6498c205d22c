package ParleyTest::Crowd;

# Many clients at once who ask, leave, come back, stop and ask again, and remember every byte that
# they were given. What they remember is what the tests hold the store against.
#
# A story is one question of one client, to its end:
#
#   n, kind, user, session, lanes   what was asked: kind is chat, again, single, pri or combine, of
#                                   the arena; talk (a stream) or reply (one), in a chat session
#   turn                            X-Stream-Id, once it was heard; none for combine
#   events                          number of the event => its data line as bytes
#   stored                          mask => text of a replay from the store; CHAT: the one lane of a
#                                   chat session
#   fate                            what its client is going to do: stay, leave, return, stop
#   tries, said                     how often it came, and what it was answered each time
#   over                            why it ended: whole, stopped, left, nothing (204), stored,
#                                   refused

use v5.36;

use List::Util  qw(all sum0);
use ParleyTest::Chat ();
use Mojo::IOLoop;
use Mojo::JSON  qw(decode_json);
use Time::HiRes qw(time);

my $PATIENCE = 90;      # seconds a client keeps coming back

# Named: users (6), width (clients at once, 24), masks (of a session, [ALPHA, BRAVO]), fates and
# kinds (name => weight), api_keys (user => key: who asks with one, which pays); seed of the choices
# is the caller's srand.
sub new ($class, $p, %o) {
	return bless {
		p => $p, width => $o{width} // 24, masks => $o{masks} // [qw(ALPHA BRAVO)],
		users => [map { "user-$_" } 1 .. $o{users} // 6],
		kinds => $o{kinds} // { chat => 5, again => 4, single => 1, pri => 2,
		    combine => 2, talk => 8, reply => 3 },
		fates => $o{fates} // { stay => 4, return => 6, leave => 1, stop => 2 },
		api_keys => $o{api_keys} // {},
		sessions => [], stories => [], wrong => [],
	}, $class;
}

# So many stories, at most `width` at once. tick is called every 50 ms meanwhile.
sub run ($self, $n, $tick = sub { }) {
	my ($begun, $running) = (0, 0);
	my $next;
	$self->{task}{$_} //= $self->{p}->task($_) for @{ $self->{users} };
	$next = sub {
		return if $begun == $n;
		$begun++;
		$running++;
		$self->begin(sub {
			$running--;
			Mojo::IOLoop->next_tick($next);
		});
	};
	$next->() for 1 .. $self->{width};
	my $timer = Mojo::IOLoop->recurring(0.05 => sub ($loop) { $tick->() });
	Mojo::IOLoop->one_tick while $running || $begun < $n;
	Mojo::IOLoop->remove($timer);
	undef $next;
	return @{ $self->{stories} };
}

# How many answers of the upstream were asked for, about: one for each lane.
sub questions ($self) { return sum0(map { scalar @{ $_->{masks} } } @{ $self->{stories} }) }

# What clients were given and should not have been: texts.
sub wrong ($self) { return @{ $self->{wrong} } }

sub pick ($weights) {
	my ($sum, @names) = (0, sort keys %$weights);
	$sum += $weights->{$_} for @names;
	my $r = rand $sum;
	for my $name (@names) {
		return $name if ($r -= $weights->{$name}) < 0;
	}
	return $names[-1];
}

# ---- a story

sub begin ($self, $done) {
	my $story = {
		n => scalar @{ $self->{stories} }, kind => pick($self->{kinds}),
		fate => pick($self->{fates}), events => {}, stored => {}, tries => 0, said => [],
		until => time + $PATIENCE, done => $done, patience => int rand 25,
	};
	push @{ $self->{stories} }, $story;
	return $self->begin_chat($story) if $story->{kind} =~ /^(?:talk|reply)$/;
	my @free = grep { !$_->{busy} && !$_->{chat} } @{ $self->{sessions} };
	my $old = @free ? $free[rand @free] : undef;
	$story->{kind} = 'chat' if !$old && $story->{kind} =~ /again|single|pri/;
	my $user = $story->{user} = $old && $story->{kind} =~ /again|single|pri/ ? $old->{user}
	    : $self->{users}[rand @{ $self->{users} }];
	my %body = (taskId => $self->{task}{$user},
	    messages => [{ role => 'user', content => "Question $story->{n}" }]);
	$story->{masks} = $self->{masks};
	if ($story->{kind} =~ /again|single|pri/) {
		$old->{busy} = 1;
		$story->{session} = $old;
		$body{session_id} = $old->{id};
		if ($story->{kind} ne 'again') {
			my ($mask) = (sort keys %{ $old->{lanes} })[rand keys %{ $old->{lanes} }];
			$body{priId} = $old->{lanes}{$mask};
			$story->{masks} = [$mask];
		}
	}
	$story->{path} = { chat => '/conv/chat', again => '/conv/chat',
	    single => '/conv/chat/single',
	    pri => '/conv/chat/pri', combine => '/combine/chat' }->{ $story->{kind} };
	$story->{body} = \%body;
	$story->{key} = "story-$story->{n}" if $story->{kind} ne 'combine' && rand() < 0.5;
	$story->{headers} = $self->paying($user);
	return $self->ask($story);
}

# Headers of who asks with an API key, if that user does.
sub paying ($self, $user) {
	my $key = $self->{api_keys}{$user};
	return $key ? { 'x-api-key' => $key } : {};
}

# In a chat session, an old one or one that is made for it.
sub begin_chat ($self, $story) {
	my @free = grep { !$_->{busy} && $_->{chat} } @{ $self->{sessions} };
	my $old = @free && rand() < 0.7 ? $free[rand @free] : undef;
	$story->{masks} = ['CHAT'];
	$story->{path} = '/v1/chat/session/conversation';
	$story->{key} = "story-$story->{n}" if rand() < 0.5;
	$story->{user} = $old ? $old->{user} : $self->{users}[rand @{ $self->{users} }];
	my %login = ParleyTest::Chat::login($self->{p}, $story->{user});
	my $who = $self->{api_keys}{ $story->{user} } ? $self->paying($story->{user})
	    : $login{headers};
	$story->{headers} = { %$who,
	    $story->{kind} eq 'talk' ? (Accept => 'text/event-stream') : () };
	return $self->ask_chat($story, $old) if $old;
	return $self->{p}{http}->open(POST => '/v1/chat/session', sub ($reply) {
		return $self->over($story, 'refused') if $reply->code != 200;
		my $new = { id => $reply->json->{session}{id}, user => $story->{user}, chat => 1 };
		push @{ $self->{sessions} }, $new;
		$self->ask_chat($story, $new);
	}, user => $story->{user}, json => { session => {} }, headers => $who);
}

sub ask_chat ($self, $story, $session) {
	$self->{model} //= $self->{p}->sql('SELECT MIN(id) AS id FROM model')->[0]{id} + 0;
	$session->{busy} = 1;
	$story->{session} = $session;
	$story->{body} = { sessionId => $session->{id}, modelId => $self->{model},
	    contentType => 'text', text => "Question $story->{n}" };
	return $self->ask($story);
}

sub ask ($self, $story) {
	$story->{tries}++;
	return $self->{p}{http}->open(POST => $story->{path},
	    sub ($reply) { $self->asked($story, $reply) },
	    user => $story->{user}, json => $story->{body}, timeout => 40,
	    headers => { 'X-Stream-Ids' => 1, %{ $story->{headers} // {} },
		$story->{key} ? ('Idempotency-Key' => $story->{key}) : () },
	    on_event => sub ($event, $leave) { $self->heard($story, $event, $leave) });
}

sub later ($self, $story, $seconds, $what) {
	Mojo::IOLoop->timer($seconds => sub { $what->($self, $story) });
	return;
}

sub over ($self, $story, $why) {
	$story->{over} = $why;
	$story->{session}{busy} = 0 if $story->{session};
	(delete $story->{done})->();
	return;
}

# What a reply as a whole told: was it said to come from the store if it did?
sub note ($self, $story, $reply) {
	my ($replay, $now) = delete @$story{qw(replay now)};
	my $stored = $reply->code == 200 && ($reply->header('x-stream-replay') // '') eq 'stored';
	push @{ $story->{said} }, $reply->code;
	push @{ $self->{wrong} }, "story $story->{n}: events without number, not from the store"
	    if $replay && !$stored;
	return 0 if !$stored || $reply->aborted || $reply->{left};
	$story->{stored} = $now;
	return 1;
}

# The answer to the question has ended, somehow.
sub asked ($self, $story, $reply) {
	my $stored = $self->note($story, $reply);
	$story->{turn} //= $reply->header('x-stream-id') if $reply->code == 200;
	return $self->over($story, 'stored') if $stored;
	return $self->replied($story, $reply) if $story->{kind} eq 'reply';
	return $self->next_step($story, $reply) if $story->{turn};
	return $self->over($story, $reply->code == 200 ? 'whole' : 'refused')
	    if $story->{kind} eq 'combine';
	# Not begun, as far as this client knows. With a key it may ask again; without one it would
	# ask twice, which only a refusal makes safe.
	my $may = $story->{key} || $reply->code =~ /^(?:409|429|503)$/;
	return $self->over($story, 'refused') if !$may || time > $story->{until};
	return $self->later($story, 0.2 + rand 0.5, \&ask);
}

# One reply has the shape of a last message, with all of the answer in it. That a model has failed
# is the answer, too; any other failure may pass.
sub replied ($self, $story, $reply) {
	my $whole = $reply->code == 200 && !$reply->aborted && $reply->json;
	if ($whole) {
		$story->{events}{1} = $reply->body;
		$story->{turn} = $whole->{record}{groupId};
		return $self->over($story, 'whole');
	}
	my $for_good = $reply->code >= 500 && $reply->body =~ /Secret/;
	my $may = $story->{key} || $reply->code =~ /^(?:409|429)$/;
	return $self->over($story, 'refused') if $for_good || !$may || time > $story->{until};
	return $self->later($story, 0.2 + rand 0.5, \&ask);
}

sub heard ($self, $story, $event, $leave) {
	my ($turn, $n) = ($event->{id} // '') =~ /^(\d+)-(\d+)$/;
	return $story->{fate} eq 'leave' && !$story->{patience}-- ? $leave->() : undef
	    if $story->{kind} eq 'combine';
	# Of what is told from the store only the last event has a number.
	if (!defined $n || $n == 999_999_999) {
		my ($mask, $text) = said_in($event->{data});
		$story->{replay}++;
		$story->{now}{$mask} .= $text;
		return;
	}
	$story->{turn} //= $turn;
	my ($data) = $event->{raw} =~ /^data: (.*)$/m;
	my $known = $story->{events}{$n};
	push @{ $self->{wrong} }, "story $story->{n}, event $n of $turn:\n$known\n$data"
	    if defined $known && $known ne $data;
	$story->{events}{$n} = $data;
	return if $story->{patience}-- > 0;
	if ($story->{fate} =~ /^(?:leave|return)$/) {
		$story->{patience} = int rand 25;
		return $leave->();
	}
	if ($story->{fate} eq 'stop' && !$story->{stop}++) {
		$self->{p}{http}->open(POST => "/v1/streams/$turn/stop",
		    sub ($reply) { $story->{stop_said} = $reply->code }, user => $story->{user});
	}
	return;
}

# What a frame says, of which mask, and how the lane has ended where it says so: in the arena's
# words.
sub said_in ($frame) {
	if (my $choice = ($frame->{choices} // [])->[0]) {
		return ($frame->{maskCode}, $choice->{delta}{content}, $choice->{finish_reason});
	}
	my $finish = { finished_success => 'stop', finished_fail => 'error',
	    finished_timeout => 'timeout' }->{ ($frame->{record} // {})->{status} // '' };
	my $thought = $frame->{reasoning} ? "<think>$frame->{reasoning}</think>" : '';
	return ('CHAT', join('', $thought, @{ $frame->{parts} }),
	    $frame->{finished} ? $finish : undef);
}

# How many events a client has without a gap.
sub held ($story) {
	my $n = 0;
	$n++ while defined $story->{events}{ $n + 1 };
	return $n;
}

# Per mask: text, finish, and whether its last frame came, as far as this client has it; of a chat
# session the answer that its last message holds.
sub lanes ($story) {
	my %lanes;
	for my $n (1 .. held($story)) {
		my $frame = decode_json($story->{events}{$n});
		my ($mask, $text, $finish) = said_in($frame);
		my $lane = $lanes{$mask} //= { text => '', whole => 0 };
		$lane->{whole} = 1 if defined $lane->{finish} || $frame->{finished};
		$lane->{finish} //= $finish;
		$lane->{text} .= $text;
		$lane->{text} =~ s{</think><think>}{} if $mask eq 'CHAT';	# one piece more
		$lane->{answer} = $frame->{record}{answerText} if $frame->{finished};
	}
	# More of a thought may follow.
	$lanes{CHAT}{text} =~ s{</think>\z}{} if $lanes{CHAT};
	return \%lanes;
}

sub whole ($story) {
	my $lanes = lanes($story);
	return all { $lanes->{$_} && $lanes->{$_}{whole} } @{ $story->{masks} };
}

sub next_step ($self, $story, $reply) {
	if (!$story->{session}) {
		my $frame = $story->{events}{1} ? decode_json($story->{events}{1}) : undef;
		if ($frame) {
			my $lanes = { map { $_->{maskCode} => $_->{privateId} }
			    map { decode_json($_) } values %{ $story->{events} } };
			$story->{session} = { id => $frame->{session_id}, user => $story->{user},
			    lanes => $lanes, busy => 1 };
			push @{ $self->{sessions} }, $story->{session}
			    if keys %$lanes == @{ $self->{masks} };
		}
	}
	return $self->over($story, 'left') if $story->{fate} eq 'leave' && $reply->{left};
	return $self->over($story, $story->{stop} ? 'stopped' : 'whole') if whole($story);
	return $self->over($story, 'lost') if time > $story->{until};
	return $self->later($story, rand 0.6, \&come_back);
}

sub come_back ($self, $story) {
	my $held = held($story);
	my @where = rand() < 0.5 ? (query => { after => $held })
	    : (headers => { 'Last-Event-ID' => "$story->{turn}-$held" });
	$story->{tries}++;
	return $self->{p}{http}->open(GET => "/v1/streams/$story->{turn}",
	    sub ($reply) { $self->came_back($story, $reply) },
	    user => $story->{user}, timeout => 40, @where,
	    on_event => sub ($event, $leave) { $self->heard($story, $event, $leave) });
}

sub came_back ($self, $story, $reply) {
	return $self->over($story, 'stored') if $self->note($story, $reply);
	return $self->over($story, 'nothing') if $reply->code == 204;
	push @{ $self->{wrong} }, "story $story->{n}: turn $story->{turn} is " . $reply->code . ' '
	    . $reply->body if $reply->code =~ /^4/;
	return $self->over($story, 'lost') if time > $story->{until} || $reply->code =~ /^4/;
	return $self->later($story, 0.3 + rand 0.7, \&come_back) if $reply->code != 200;
	return $self->next_step($story, $reply);
}

1;
