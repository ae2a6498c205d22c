#!/usr/bin/perl
# GET /v1/chat/session/conversation as a WebSocket: questions and their answers, stopping, resuming,
# who may, and what a client sees of reloads, restarts and crashes.

use v5.36;
use utf8;

use Mojo::IOLoop;
use Mojo::JSON  qw(decode_json encode_json false true);
use Mojo::UserAgent;
use ParleyTest;
use ParleyTest::Chat;
use ParleyTest::Process;
use ParleyTest::Socket;
use Test::More;
use Time::HiRes qw(sleep time);

my $PATH = '/v1/chat/session/conversation';
my $p = ParleyTest->new(models => 2, workers => 2, set => { ping => 1, sockets_limit => 4 },
    model_args => ['--first-token', 5, '--idle', 5, '--total', 60]);
my @models = map { $_->{code} } $p->models;
my %model = map { $_->{code} => $_->{id} + 0 } @{ $p->sql('SELECT id, code FROM model') };
my @ann = login($p, 'ann', name => '安');

sub chat () { return new_chat($p, \@ann)->{id} }

sub question ($session, $text, %o) {
	return { sessionId => $session, modelId => $model{ $models[0] }, contentType => 'text',
	    text => $text, %o };
}

# A connection of ann's, or of whose token it is.
sub dial (%o) {
	my $token = exists $o{token} ? delete $o{token} : jwt($p, { sub => 'ann' });
	return ParleyTest::Socket->new(port => $p->{port}, path => $PATH, %o, headers => {
	    (defined $token ? (Authorization => "Bearer $token") : ()), %{ $o{headers} // {} } });
}

sub dialled (%o) {
	my $s = dial(%o);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is $s->status, 101, 'a WebSocket' or diag $s->head, $s->body;
	return $s;
}

sub script (@steps) {
	return $p->script($models[0], { steps => [@steps, { finish => 'stop' }, { done => 1 }] });
}

sub slow ($n = 200) { return map { ({ delta => "w$_ " }, { sleep => 0.05 }) } 1 .. $n }

# Log lines of this kind for the route.
sub logged ($msg, %like) {
	return grep {
		my $line = $_;
		$line->{msg} eq $msg && ($line->{route} // '') eq $PATH
		    && !grep { ($line->{$_} // '') ne $like{$_} } keys %like;
	} $p->log_lines;
}

my $session = chat();

subtest 'Mojolicious' => sub {
	script({ delta => '一' }, { delta => "\n" }, { delta => 'two' });
	my $ua = Mojo::UserAgent->new(inactivity_timeout => 20);
	my (@objects, $code, $protocol);
	$ua->websocket("ws://127.0.0.1:$p->{port}$PATH" => ['bearer', jwt($p, { sub => 'ann' })]
	    => sub ($agent, $tx) {
		return Mojo::IOLoop->stop if !$tx->is_websocket;
		$protocol = $tx->protocol;
		$tx->on(json => sub ($t, $object) {
			push @objects, $object;
			$t->finish(1000) if $object->{finished};
		});
		$tx->on(finish => sub ($t, $c, $why) { $code = $c; Mojo::IOLoop->stop });
		$tx->send({ json => question($session, 'Nǐ hǎo?') });
	});
	Mojo::IOLoop->timer(20 => sub { Mojo::IOLoop->stop });
	Mojo::IOLoop->start;
	is $protocol, 'bearer', 'its subprotocol is taken';
	is $code, 1000, 'closed as it was asked to';
	my ($first, @parts) = @objects;
	my $last = pop @parts;
	is_deeply [@$first{qw(parts finished)}, $first->{record}{status}],
	    [[], false, 'processing'], 'first the record as it begins';
	like $first->{streamId}, qr/^\d+$/, 'with the name of the stream';
	is_deeply \@parts, [map { { parts => [$_], finished => false } } '一', "\n", 'two'],
	    'each delta a message';
	is_deeply [@$last{qw(parts finished)}, @{ $last->{record} }{qw(status answerText)}],
	    [[], true, 'finished_success', "一\ntwo"], 'then the whole record';
};

subtest 'several turns' => sub {
	my $s = dialled();
	ok $s->accept_ok, 'our accept is right';
	for my $i (1 .. 3) {
		script({ delta => "answer $i" });
		my @o = $s->say(question($session, "Question $i"))->turn;
		is ParleyTest::Socket::text_of(@o), "answer $i", "turn $i";
	}
	is_deeply [map { $_->{content} } @{ ($p->upstream_log)[-1]{body}{messages} }[-2, -1]],
	    ['answer 2', 'Question 3'], 'one conversation';
	$s->close;
	is $s->closed, 1000, 'and its end';
	ok $s->ended, 'the server hangs up';
	$p->eventually('logged once, with its end', sub { logged('socket', code => 1000,
	    messages => 3) == 1 });
	is scalar(logged('request', method => 'MESSAGE', status => 200)), 4,
	    'and each message once';
};

subtest 'asked by the query' => sub {
	script({ delta => 'at once' });
	my $s = dialled(token => undef, query => { %{ question($session, '现在?') },
	    token => jwt($p, { sub => 'ann' }) });
	is ParleyTest::Socket::text_of($s->turn), 'at once', 'the first turn starts by itself';
	script({ delta => 'later' });
	is ParleyTest::Socket::text_of($s->say(question($session, 'Next'))->turn), 'later',
	    'then messages';
	my $bad = dialled(query => question(12345, 'x'));
	is_deeply $bad->object, { parts => [], finished => true,
	    error => { code => 404, msg => '不存在: session 12345' } }, 'a failure is an object';
	script({ delta => 'well' });
	is ParleyTest::Socket::text_of($bad->say(question($session, 'x'))->turn), 'well',
	    'and the connection stays';
	$_->gone for $s, $bad;
	my $ids = "sessionId=$session&modelId=$model{ $models[0] }&contentType=text";
	my %bad = ('no UTF-8' => "$ids&text=%ff", 'U+0000' => "$ids&text=a%00b",
	    'U+0000 alone' => "$ids&text=%00", 'no UTF-8 elsewhere' => "$ids&text=x&fileUrl=%c3",
	    'no UTF-8 and no text' => "$ids&x=%ff", 'U+0000 in an id' => 'text=x&sessionId=1%00');
	for my $name (sort keys %bad) {
		my $mute = dialled(path => "$PATH?$bad{$name}");
		my $o = $mute->object;
		is_deeply [@$o{qw(parts finished)}, $o->{error}{code}], [[], true, 400],
		    "$name is heard of";
		$mute->gone;
	}
	script({ delta => 'two lines' });
	my $lines = dialled(path => "$PATH?$ids&text=a%0Ab");
	is ParleyTest::Socket::text_of($lines->turn), 'two lines', 'a line break is text';
	my $none = dialled(path => "$PATH?$ids&text=");
	script({ delta => 'asked' });
	is ParleyTest::Socket::text_of($none->say(question($session, 'x'))->turn), 'asked',
	    'an empty text asks nothing';
	$_->gone for $lines, $none;
};

subtest 'what is no question' => sub {
	my $s = dialled();
	my %bad = ('no JSON' => '{', list => '[1]', number => '7', empty => '', nothing => '{}',
	    type => '{"stop":"yes"}', id => '{"resume":"abc"}');
	for my $name (sort keys %bad) {
		my $o = $s->send($bad{$name})->object;
		is_deeply [sort keys %$o], [qw(error finished parts)], $name;
		like $o->{error}{code}, qr/^40[04]$/, 'its error';
	}
	is $s->say({ %{ question($session, 'x') }, modelId => 77 })->object->{error}{code}, 404,
	    'an unknown model';
	$s->say({ stop => true });
	script({ delta => 'fine' });
	is ParleyTest::Socket::text_of($s->say(question($session, 'x'))->turn), 'fine',
	    'nothing to stop is nothing said; the connection stays';
	$p->script($models[0], { status => 400, body => '{}' });
	my @o = $s->say(question($session, 'x'))->turn;
	is $o[-1]{record}{status}, 'finished_fail', 'a failure in the turn is its last object';
	ok $o[-1]{error}{code} >= 500, 'with its error';
	$s->gone;
};

# The next of its objects that has an error; the other parts are added to the list.
sub refusal ($s, $heard) {
	while (my $o = $s->object) {
		return $o if $o->{error};
		push @$heard, $o;
	}
	return {};
}

subtest 'stop, and one at a time' => sub {
	my $other = chat();
	script(slow());
	my $s = dialled();
	$s->say(question($session, 'Long'));
	my @o = ($s->object, $s->object);
	my %refused = (
		'another question'                 => [question($session, 'Meanwhile'), 409],
		'a question in another session'    => [question($other, 'Meanwhile'), 409],
		'a resume'                         => [{ resume => "$o[0]{streamId}" }, 409],
		'an order that is none'            => [{ resume => 'abc' }, 404],
		'no object'                        => [[1], 400],
	);
	for my $name (sort keys %refused) {
		my ($message, $code) = @{ $refused{$name} };
		my $r = refusal($s->say($message), \@o);
		is $r->{error}{code}, $code, "$name meanwhile is refused";
		is_deeply [@$r{qw(parts finished)}, join ' ', sort keys %$r],
		    [[], false, 'error finished parts'], 'which does not end the turn';
		is $r->{error}{msg}, "正在回答中: session $session", 'by the session that answers'
		    if $code == 409;
	}
	is refusal($s->send('{'), \@o)->{finished}, false, 'nor does what is no JSON';
	my $began = time;
	$s->say({ stop => true });
	push @o, $s->turn;
	cmp_ok time - $began, '<', 3, 'it stops at once';
	ok $o[-1]{stopped}, 'and says so';
	is $o[-1]{record}{status}, 'finished_success', 'with what was said';
	is ParleyTest::Socket::text_of(@o), $o[-1]{record}{answerText}, 'all of which came';
	is refusal($s->send('{'), [])->{finished}, true, 'no turn, nothing to wait for';
	script({ delta => 'again' });
	is ParleyTest::Socket::text_of($s->say(question($other, 'Now'))->turn), 'again',
	    'the next question is answered, in whichever session';
	$s->gone;
};

subtest 'resume' => sub {
	script(slow(40));
	my $s = dialled();
	my $first = $s->say(question($session, 'Long'))->object;
	my @had = map { $s->object } 1 .. 3;
	$s->gone;
	$s = dialled();
	my @rest = $s->say({ resume => "$first->{streamId}", after => 4 })->turn;
	is ParleyTest::Socket::text_of(@had, @rest), join('', map { "w$_ " } 1 .. 40),
	    'after a cut the rest comes, nothing twice';
	is $rest[-1]{record}{status}, 'finished_success', 'to its end';
	is_deeply [$s->say({ resume => "$first->{streamId}", after => 999 })->turn],
	    [{ parts => [], finished => true }], 'nothing is left';
	my @all = $s->say({ resume => "$first->{streamId}" })->turn;
	is ParleyTest::Socket::text_of(@all), join('', map { "w$_ " } 1 .. 40), 'all of it again';
	my $eve = dialled(token => jwt($p, { sub => 'eve' }));
	is $eve->say({ resume => "$first->{streamId}" })->object->{error}{code}, 404,
	    'not to another';
	$_->gone for $s, $eve;
};

subtest 'tokens' => sub {
	for my $o ({ token => undef }, { token => 'x.y.z' },
	    { token => undef, query => { token => 'x' } },
	    { token => jwt($p, { sub => 'ann', exp => time - 1000 }) }) {
		my $s = dial(%$o);
		is $s->status, 401, 'refused before the upgrade';
		is_deeply [sort keys %{ $s->json // {} }], [qw(code msg)], 'in the envelope';
	}
	is dial(path => '/v1/chat/session/other/conversation/x')->status, 404, 'an unknown path';
	my $end = int(time) + 3;
	my $short = dialled(token => jwt($p, { sub => 'ann', exp => $end - 60 }));
	my $streaming = dialled(token => jwt($p, { sub => 'ann', exp => $end - 60 }));
	script(slow(100));
	my $turn = $streaming->say(question($session, 'Long'))->object->{streamId};
	my %over = (parts => [], error => { code => 401, msg => '未认证: token exp' });
	is_deeply $short->object, { %over, finished => true }, 'one that ends while connected';
	cmp_ok abs(time - $end), '<', 2.5, 'within moments of its end';
	is $short->closed(20), 1008, '… which is that of the connection';
	is_deeply refusal($streaming, []), { %over, finished => false },
	    'during a turn too, which that does not end';
	is $streaming->closed(20), 1008, '… but its connection';
	$p->eventually('it goes on and is stored', sub {
		my $row = $p->sql('SELECT status, text FROM answer WHERE turn = ?', $turn)->[0];
		return $row->{status} eq 'stop' && $row->{text} =~ /w100 \z/;
	}, 30);
	my $s = dialled();
	my $file = "$p->{stack}/secrets/jwt";
	my $secret = ParleyTest::Process::slurp($file);
	ParleyTest::Process::spew($file, 'another secret, as long as it has to be, or longer');
	is $s->closed(20), 1008, 'the secret was exchanged';
	ParleyTest::Process::spew($file, $secret);
	$_->gone for $short, $streaming, $s;
	$p->eventually('all three are gone', sub { logged('socket', code => 1008) == 3 });
	my @many = map { dial() } 1 .. 4;
	is_deeply [map { $_->status } @many], [(101) x 4], 'as many as sockets_limit says';
	is dial()->status, 429, 'and no more';
	is dial(token => jwt($p, { sub => 'bob' }))->status, 101, 'but for another';
	(pop @many)->gone;
	$p->eventually('one that ends makes room', sub { my $more = dial();
	    push @many, $more if $more->status == 101; $more->status == 101 });
	$_->gone for @many;
};

# The turn of who was closed goes on to its end.
sub idle () {
	return $p->eventually('nobody is being answered', sub {
		!@{ $p->sql('SELECT 1 FROM answer WHERE running = 1') } }, 30);
}

subtest 'ping and pong' => sub {
	idle();
	my $deaf = dialled();
	$deaf->mute;
	my $s = dialled();
	$s->hear(5);
	cmp_ok $s->pings, '>=', 1, 'pinged';
	is $deaf->closed(15), 0, 'who does not answer is given up';
	ok $deaf->ended, 'and gone';
	$s->hear(1);
	script({ delta => 'here' });
	is ParleyTest::Socket::text_of($s->say(question($session, 'x'))->turn), 'here',
	    'who answers stays';
	$s->gone;
};

subtest 'reload' => sub {
	idle();
	my $idle = dialled();
	my $busy = dialled();
	script(slow(60));
	$busy->say(question($session, 'Long'));
	$busy->object;
	kill HUP => $p->pids->{master};
	my $refused = 0;
	my $until = time + 2;
	my $n = 0;
	while (time < $until) {
		my $s = dial(token => jwt($p, { sub => 'user' . $n++ }));
		$refused++ if $s->status != 101;
		$s->gone;
	}
	is $refused, 0, "none of $n connections is refused meanwhile";
	is $idle->closed, 1001, 'an idle one is closed at once';
	my @o = $busy->turn;
	is $o[-1]{record}{status}, 'finished_success', 'a busy one has its turn';
	is $busy->closed, 1001, 'and is closed after it';
	$_->gone for $idle, $busy;
};

subtest 'kill -9' => sub {
	idle();
	script(slow());
	my $s = dialled();
	my $first = $s->say(question($session, 'Long'))->object;
	$s->object;
	kill KILL => @{ $p->pids->{workers} };
	is $s->closed, 0, 'cut off without a word';
	$p->eventually('new workers take WebSockets', sub { dial()->status == 101 }, 20);
	my $again = dialled();
	my @o;
	$p->eventually('what was said can be had', sub {
		@o = $again->say({ resume => "$first->{streamId}" })->turn;
		return @o > 1 && $o[-1]{record};
	}, 20);
	is $o[-1]{record}{status}, 'finished_fail', 'and ends as a failure';
	$again->gone;
};

subtest 'TERM' => sub {
	idle();
	$p->eventually('two workers', sub { @{ $p->pids->{workers} } == 2 });
	my $idle = dialled();
	my $busy = dialled();
	script(slow(30));
	$busy->say(question($session, 'Long'));
	$busy->object;
	kill TERM => $p->pids->{master};
	is $idle->closed, 1001, 'an idle one is closed';
	$idle->close(1001);
	my @o = $busy->turn;
	is $o[-1]{record}{status}, 'finished_success', 'a busy one has its turn';
	is $busy->closed, 1001, 'and is closed after it';
	$busy->close(1001);
	$p->eventually('all have left', sub { !@{ $p->pids->{workers} } }, 20);
};

$p->no_errors_logged('quiet', allow => [qr/a worker died/]);
done_testing;
