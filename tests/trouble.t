#!/usr/bin/perl
# Upstreams in trouble: whatever happens to one lane, it ends as the contract says with what it has
# said, that is stored and settled, and the other lanes are whole.

use v5.36;
use utf8;

use Digest::SHA qw(sha256_hex);
use Encode      qw(encode_utf8);
use IO::Socket::INET;
use Mojo::JSON  qw(decode_json encode_json);
use POSIX       ();
use Socket      qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(sleep time);

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Process;

# One lane is troubled, with limits so short that the others are no part of it.
my $p = ParleyTest->new(models => 4, workers => 1, model_args => {
	'm-a' => ['--connect', 2, '--first-token', 1, '--idle', 1, '--total', 3],
	'm-b' => ['--context', 1100, '--max-tokens', 50] });
my @others = map { $_->{code} } grep { $_->{code} ne 'm-a' } $p->models;
my %price = map { $_->{code} => $_->{price_in} } $p->models;

my @end = ({ finish => 'stop' }, { done => 1 });
my $usage = { usage => { prompt_tokens => 9, completion_tokens => 3, total_tokens => 12 } };
my $fine = { steps => [{ delta => 'All ' }, { delta => 'is ' }, { delta => 'well.' },
    { finish => 'stop' }, $usage, { done => 1 }] };
my $QUESTION = 'How is it going?';	# 16 bytes: 4 tokens, and 4 for its place
my $ASKED = 8;
my $smile = "\x{1f600}";

sub tokens ($text) {
	my $cjk = () = $text =~ /\p{Han}/g;
	return $cjk + int((length(encode_utf8($text)) - 3 * $cjk + 3) / 4);
}

# What is stored of a session's newest turn, by model. Long texts as their digest.
sub stored ($session) {
	return { map { $_->{code} => $_ } @{ $p->sql(
		'SELECT m.code, l.mask, a.status, a.error, a.reasoning, a.prompt_tokens,'
		. ' a.completion_tokens, a.estimated, a.cost, LENGTH(a.text) AS bytes,'
		. ' IF(LENGTH(a.text) > 65536, SHA2(a.text, 256), a.text) AS text,'
		. ' a.first_ms, a.last_ms, a.ended_ms, a.created_ms, t.ended_ms AS turn_ended_ms,'
		. ' (SELECT GROUP_CONCAT(c.body ORDER BY c.position) FROM citation c'
		. '  WHERE c.answer = a.id) AS citations'
		. ' FROM answer a JOIN model m ON m.id = a.model JOIN turn t ON t.id = a.turn'
		. ' JOIN lane l ON l.session = a.session AND l.lane = a.lane'
		. ' WHERE a.turn = (SELECT MAX(id) FROM turn WHERE session = ?)',
		$session =~ s/^chat_//r) } };
}

# One question, and what came of it for each model: {lane (of the client), row (as stored)}.
sub ask ($script, %o) {
	$p->upstream->unscript;
	$p->upstream->clear_log;
	$p->heal('m-a');		# of the trouble before
	$p->script('m-a', { times => 0, %$script }) if $script;
	$p->script($_, $fine) for @others;
	$o{before}->() if $o{before};
	my $begun = time;
	my ($session, undef, $s) = begin($p, $o{question} // $QUESTION);
	$o{after}->() if $o{after};
	my ($lanes, $rows) = ($p->lanes($s->events), stored($session));
	my %by = map { $_ => { lane => $lanes->{ $rows->{$_}{mask} }, row => $rows->{$_} } }
	    keys %$rows;
	my ($end) = grep { $_->{data}{maskCode} eq $by{'m-a'}{row}{mask}
	    && defined $_->{data}{choices}[0]{finish_reason} } @{ $s->events };
	$by{'m-a'}{after} = $end->{at} - $begun;
	return { stream => $s, session => $session, by => \%by };
}

sub same_text ($row, $text) {
	my $reasoning = defined $row->{reasoning} ? "<think>$row->{reasoning}</think>" : '';
	my $rest = $text =~ s/\A\Q$reasoning\E//r;
	$rest = sha256_hex(encode_utf8($rest)) if length(encode_utf8($rest)) > 65536;
	return $reasoning . $rest eq $reasoning . ($row->{text} // '(none)')
	    && $text =~ /\A\Q$reasoning\E/;
}

# What holds for the troubled lane and for any other.
sub sound ($turn) {
	my ($s, $by) = @$turn{qw(stream by)};

	is $s->code, 200, 'a stream';
	is $s->aborted, undef, 'that ends properly';
	is $s->rest, '', 'with a whole event';
	is_deeply [$p->reveals($s->seen)], [], 'nothing names a model';
	for my $code (sort keys %$by) {
		my ($lane, $row) = @{ $by->{$code} }{qw(lane row)};
		is @{ $lane->{citations} }, 1, "$code: exactly one citations frame after the end";
		is_deeply $lane->{late}, [], "$code: and nothing else";
		ok same_text($row, $lane->{text}), "$code: what was said is what is stored"
		    or diag "said: $lane->{text}\nstored: ", explain $row;
		my $cost = ($row->{prompt_tokens} + 2 * $row->{completion_tokens})
		    * $price{$code} / 1e6;
		cmp_ok abs(($row->{cost} // -1) - $cost), '<', 1e-9, "$code: tokens x price";
		ok $row->{ended_ms} && $row->{turn_ended_ms}, "$code: closed";
	}
	for my $code (@others) {
		my ($lane, $row) = @{ $by->{$code} }{qw(lane row)};
		is "$lane->{text} $lane->{finish}", 'All is well. stop', "$code: whole";
		is join(' ', @$row{qw(status prompt_tokens completion_tokens estimated)}),
		    'stop 9 3 0',
		    "$code: stored";
	}
	return;
}

sub balanced () {
	my ($sums) = @{ $p->sql('SELECT (SELECT SUM(amount) FROM ledger) - (SELECT SUM(cost)'
	    . ' FROM answer) AS off, (SELECT COUNT(*) FROM answer) - (SELECT COUNT(*) FROM ledger)'
	    . ' AS unsettled') };
	is $sums->{off} + 0, 0, 'the ledger balances';
	is $sums->{unsettled}, 0, 'one row for each answer';
	return;
}

# trouble NAME, SCRIPT, what is expected of the lane:
#   finish, code      of its last frame; code: of its error
#   text              that the client saw
#   within            [least, most] seconds until its end
#   question          where it is not the usual one
#   before, after     subs to call
#   prompt, estimated what is counted; estimated by default, of the text
sub trouble ($name, $script, %want) {
	subtest $name => sub {
		my $turn = ask($script, map { $want{$_} ? ($_ => $want{$_}) : () }
		    qw(before after question));
		my ($lane, $row) = @{ $turn->{by}{'m-a'} }{qw(lane row)};
		my $after = $turn->{by}{'m-a'}{after};

		sound($turn);
		is $lane->{finish}, $want{finish}, 'it ends';
		is $row->{status}, $want{finish}, 'and so it is stored';
		if ($want{code}) {
			is $lane->{error}{code}, $want{code}, 'its error';
			like $lane->{error}{message} // '', qr/模型A|模型B|模型C|模型D/,
			    'whose message names the mask';
			like $row->{error} // '', qr/^F_[A-Z]+$/, 'and is stored';
		} else {
			is $lane->{error}, undef, 'without an error';
			is $row->{error}, undef, 'neither stored';
		}
		is $lane->{text}, $want{text}, 'what it said' if defined $want{text};
		if (my ($least, $most) = @{ $want{within} // [] }) {
			cmp_ok $after, '>=', $least, 'not before its time';
			cmp_ok $after, '<', $most, 'but then at once';
		}
		is $row->{estimated}, $want{estimated} // 1, 'counted or estimated';
		is $row->{prompt_tokens}, $want{prompt} // $ASKED, 'tokens read';
		is $row->{completion_tokens}, $want{said}
		    // tokens($row->{text}) + tokens($row->{reasoning} // ''), 'tokens written';
		$want{more}->($turn) if $want{more};
	};
	return;
}

sub address ($url) {
	$p->sql("UPDATE model SET url = ? WHERE code = 'm-a'", $url);
	return;
}

subtest 'no trouble at all' => sub {
	my $turn = ask($fine);
	sound($turn);
	is $turn->{by}{'m-a'}{lane}{text}, 'All is well.', 'all four';
};

# --- nobody there, or nothing said

my $refusing = 'http://127.0.0.1:' . ParleyTest::Process::free_port() . '/v1';
trouble 'refused', undef, finish => 'error', code => 503, text => '', prompt => 0,
    within => [0.3, 2], before => sub { address($refusing) },
    after => sub { address($p->upstream->url) };
trouble 'no such host', undef, finish => 'error', code => 503, text => '', prompt => 0,
    before => sub { address('http://nowhere.invalid/v1') },
    after => sub { address($p->upstream->url) };
trouble 'silent before the first byte', { hang_before => \1 },
    finish => 'timeout', code => 504, text => '', within => [0.9, 2];
trouble 'silent after the headers', { steps => [{ hang => 1 }] },
    finish => 'timeout', code => 504, text => '', within => [0.9, 2];
trouble 'keep-alive comments do not reset that clock',
    { steps => [{ repeat => 0, steps => [{ comment => 'keep-alive' }, { sleep => 0.2 }] }] },
    finish => 'timeout', code => 504, text => '', within => [0.9, 2];
trouble 'nor do chunks that only name a role', { steps => [{ repeat => 0, steps => [
    { chunk => { role => 'assistant', content => '' } }, { sleep => 0.2 }] }] },
    finish => 'timeout', code => 504, text => '', within => [0.9, 2];
trouble 'closed without a word', { wire => '' },
    finish => 'error', code => 503, text => '', prompt => 0;

# --- silent later

trouble 'silent in mid-stream', { steps => [{ delta => 'So far ' }, { delta => 'so good' },
    { hang => 1 }] },
    finish => 'timeout', code => 504, text => 'So far so good', within => [0.9, 2.2];
trouble 'comments are silence in mid-stream as well', { steps => [{ delta => 'So far' },
    { repeat => 0, steps => [{ comment => 'still here' }, { sleep => 0.2 }] }] },
    finish => 'timeout', code => 504, text => 'So far', within => [0.9, 2.2];
trouble 'without end', { steps => [{ repeat => 0, steps => [{ delta => 'on and ' },
    { sleep => 0.1 }] }] },
    finish => 'timeout', code => 504, within => [2.8, 4.2], more => sub ($turn) {
	like $turn->{by}{'m-a'}{lane}{text}, qr/\A(?:on and ){15,31}\z/, 'three seconds of it';
	is +(grep { $_->{code} eq 'm-a' } $p->upstream_log)[0]{ended}, 'aborted',
	    'the upstream is let go';
};

# --- cut

trouble 'cut inside an event', { steps => [{ delta => 'Once upon ' },
    { raw => 'data: {"choices":[{"index":0,"delta":{"content":"a ti' }, { close => 1 }] },
    finish => 'error', code => 502, text => 'Once upon ';
trouble 'cut between events', { steps => [{ delta => 'Once ' }, { delta => 'upon' },
    { close => 1 }] },
    finish => 'error', code => 502, text => 'Once upon';
trouble 'reset', { steps => [{ delta => 'Once' }, { sleep => 0.1 }, { close => 'reset' }] },
    finish => 'error', code => 502, text => 'Once';
trouble 'ended properly, but not finished', { steps => [{ delta => 'Once upon' }] },
    finish => 'error', code => 502, text => 'Once upon';
trouble 'headers and nothing else', { steps => [{ sleep => 0.1 }, { close => 1 }] },
    finish => 'error', code => 502, text => '';
trouble 'done before it began', { steps => [{ done => 1 }] },
    finish => 'error', code => 502, text => '';

# --- garbage

my %garbage = (
	'no JSON'              => '{broken',
	'JSON of another kind' => '[1,2,3]',
	'a text'               => '"hello"',
	'choices of nothing'   => '{"choices":["x"]}',
	'content of a number'  => '{"choices":[{"delta":{"content":7}}]}',
);
trouble "an event that is $_", { steps => [{ delta => 'Well' }, { raw => "data: $garbage{$_}\n\n" },
    { delta => ' never told' }, @end] }, finish => 'error', code => 502, text => 'Well'
    for sort keys %garbage;
trouble 'lines that are no events', { steps => [{ raw => "<html>\n<body>\n\n\x{1}\x{2}: x\n\n" },
    { delta => 'Well' }, @end] }, finish => 'stop', text => 'Well';
trouble 'garbage instead of HTTP', { wire => "\x{1}\x{2}\x{3} what? \r\n\r\n" x 20 },
    finish => 'error', code => 503, text => '', prompt => 0;
trouble 'an HTML page with 200', { headers => { 'Content-Type' => 'text/html' },
    body => "<html>\n<h1>It works!</h1>\n</html>\n" },
    finish => 'error', code => 502, text => '';
trouble 'a JSON body with 200', { body => encode_json({ choices => [{ message => {
    role => 'assistant', content => 'not a stream' }, finish_reason => 'stop' }] }) },
    finish => 'error', code => 502, text => '';
trouble 'shorter than its length', { wire => "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n"
    . "Content-Type: text/event-stream\r\n\r\n"
    . qq(data: {"choices":[{"index":0,"delta":{"content":"Hm"}}]}\n\n) },
    finish => 'error', code => 502, text => 'Hm';
trouble 'a redirect is not followed', { status => 302, headers => { Location => $refusing } },
    finish => 'error', code => 502, text => '', prompt => 0;

# --- refusals

trouble "status $_->[0]", { status => $_->[0], headers => { 'Retry-After' => 7 } },
    finish => 'error', code => $_->[1], text => '', prompt => 0
    for [429, 503], [500, 503], [502, 503], [503, 503], [400, 502], [401, 502], [404, 502];
trouble 'a refusal whose body has no end', { status => 429, steps => [{ hang => 1 }] },
    finish => 'error', code => 503, text => '', prompt => 0, within => [0, 2];
trouble 'an error in the stream', { steps => [{ delta => 'I was' }, { json => { error => {
    message => 'veiled-a-70b ran out of memory', type => 'server_error', code => 500 } } },
    { delta => 'never told' }, @end] }, finish => 'error', code => 502, text => 'I was';

# --- odd, but whole

my $mixed = "naïve 你好 $smile \"quoted\" \\ \n";
trouble 'one byte per packet', { steps => [{ bytewise => 1 }, { delta => $mixed },
    { delta => 'end' },
    { finish => 'stop' }, $usage, { done => 1 }] }, finish => 'stop', text => "${mixed}end",
    estimated => 0, prompt => 9, said => 3;
trouble 'an emoji split over packets', { steps => [
    { raw => 'data: {"choices":[{"index":0,"delta":{"content":"ha ' }, { hex => 'f0' },
    { sleep => 0.05 }, { hex => '9f98' }, { sleep => 0.05 }, { hex => '80' },
    { raw => qq(!"}}]}\n\n) }, @end] }, finish => 'stop', text => "ha $smile!";
trouble 'an escaped emoji split over packets', { steps => [
    { raw => 'data: {"choices":[{"index":0,"delta":{"content":"\ud83d' }, { sleep => 0.05 },
    { raw => '\ude00!"}}]}' . "\n" }, { sleep => 0.05 }, { raw => "\n" }, @end] },
    finish => 'stop', text => "$smile!";
trouble 'an emoji split over events', { steps => [
    { raw => 'data: {"choices":[{"index":0,"delta":{"content":"ha ' }, { hex => 'f09f' },
    { raw => qq("}}]}\n\n) }, { raw => 'data: {"choices":[{"index":0,"delta":{"content":"' },
    { hex => '9880' }, { raw => qq(!"}}]}\n\n) }, @end] }, finish => 'stop', more => sub ($turn) {
	like $turn->{by}{'m-a'}{lane}{text}, qr/\Aha \x{fffd}+!\z/, 'is damaged, but valid';
};
trouble 'CR and LF', { steps => [
    { raw => qq(data: {"choices":[{"index":0,\r\ndata: "delta":{"content":"one"}}]}\r\n\r\n) },
    { raw => qq(data:{"choices":[{"index":0,"delta":{"content":"\\r\\n"}}]}\r\r) }, @end] },
    finish => 'stop', text => "one\r\n";
trouble 'an event of 1 MiB', { steps => [{ delta => 'a' }, { big => 1 << 20 }, { delta => 'b' },
    @end] },
    finish => 'stop', said => (1 << 18) + 1, more => sub ($turn) {
	is $turn->{by}{'m-a'}{row}{bytes}, (1 << 20) + 2, 'whole';
};
trouble 'an answer without measure', { steps => [{ repeat => 0,
    steps => [{ big => 1_000_003 }] }] },
    finish => 'length', said => 3_000_009, more => sub ($turn) {
	is $turn->{by}{'m-a'}{row}{bytes}, 12 * 1_000_003, 'is cut before it passes 12 MiB';
	$p->eventually('and its upstream let go', sub {
		(grep { $_->{code} eq 'm-a' } $p->upstream_log)[0]{ended} eq 'aborted' });
};
trouble 'an event without measure', { steps => [{ delta => 'Look: ' }, { big => 6 << 20 }, @end] },
    finish => 'error', code => 502, text => 'Look: ';
trouble 'finish without [DONE]', { steps => [{ delta => 'Bye' }, { finish => 'stop' }] },
    finish => 'stop', text => 'Bye';
trouble 'finish, then cut', { steps => [{ delta => 'Bye' }, { finish => 'length' },
    { close => 1 }] },
    finish => 'length', text => 'Bye';
trouble 'finish, then silence', { steps => [{ delta => 'Bye' }, { finish => 'content_filter' },
    { hang => 1 }] }, finish => 'content_filter', text => 'Bye', within => [0, 3];
trouble '[DONE] without finish', { steps => [{ delta => 'Bye' }, { done => 1 }] },
    finish => 'stop', text => 'Bye';
trouble 'a last event without its empty line', { steps => [{ delta => 'Bye' },
    { raw => 'data: {"choices":[{"index":0,"delta":{"content":"!"},"finish_reason":"stop"}]}' }] },
    finish => 'stop', text => 'Bye!';
trouble 'open after [DONE]', { steps => [{ delta => 'Bye' }, @end, { hang => 1 }] },
    finish => 'stop', text => 'Bye', within => [0, 0.9], more => sub ($turn) {
	$p->eventually('the connection is closed soon', sub {
		(grep { $_->{code} eq 'm-a' } $p->upstream_log)[0]{ended} eq 'aborted' }, 5);
};
trouble 'talk after [DONE]', { steps => [{ delta => 'Bye' }, @end, { delta => 'Wait, ' },
    { raw => "data: garbage\n\n" }] }, finish => 'stop', text => 'Bye';
trouble 'nothing to say', { steps => [@end] }, finish => 'stop', text => '';
trouble 'calls of tools that nobody offered', { steps => [{ chunk => { tool_calls => [{ index => 0,
    id => 'c1', type => 'function', function => { name => 'x', arguments => '{}' } }] } },
    { finish => 'tool_calls' }, { done => 1 }] }, finish => 'stop', text => '';

# Takes a request and begins to answer when it has read the headers alone.
sub hasty () {
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp')
	    or die "socket: $!";
	setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4096;	# little of the body fits
	listen $socket, 1;
	my $pid = fork // die "fork: $!";
	return ($pid, $socket->sockport) if $pid;
	my $c = $socket->accept;
	my ($head, $body) = ('', '');
	sysread $c, $head, 1, length $head until $head =~ /\r\n\r\n\z/;
	syswrite $c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
	    . qq(data: {"choices":[{"index":0,"delta":{"content":"Already: "}}]}\n\n);
	sleep 0.3;
	setsockopt $c, SOL_SOCKET, SO_RCVBUF, 1 << 20;		# now fast, before it is called idle
	my ($size) = $head =~ /^content-length: (\d+)/im;
	while (length $body < $size) {
		sysread $c, $body, 65536, length $body or last;
	}
	my $asked = eval { decode_json($body)->{messages}[-1]{content} } // '';
	syswrite $c, sprintf qq(data: {"choices":[{"index":0,"delta":{"content":"%s"},)
	    . qq("finish_reason":"stop"}]}\n\ndata: [DONE]\n\n), sha256_hex($asked);
	POSIX::_exit(0);
}

my ($hasty, $port) = hasty();
my $long = join '', map { sprintf '%07d ', $_ } 1 .. 50_000;
trouble 'answered before the question was read', undef, question => $long,
    before => sub { address("http://127.0.0.1:$port/v1") },
    after => sub { address($p->upstream->url); kill KILL => $hasty; waitpid $hasty, 0 },
    finish => 'stop', text => 'Already: ' . sha256_hex($long), prompt => 100_004;

# --- reasoning, citations, usage

trouble 'reasoning only', { steps => [{ reasoning => 'Let me ' }, { reasoning => 'think.' },
    @end] },
    finish => 'stop', text => '<think>Let me think.</think>';
trouble 'cut while thinking', { steps => [{ reasoning => 'Let me ' }, { close => 1 }] },
    finish => 'error', code => 502, text => '<think>Let me </think>';
trouble 'silent while thinking', { steps => [{ reasoning => 'Hm' }, { hang => 1 }] },
    finish => 'timeout', code => 504, text => '<think>Hm</think>', within => [0.9, 2.2];
trouble 'cut after thinking', { steps => [{ reasoning => 'Hm' }, { delta => 'So' },
    { close => 1 }] },
    finish => 'error', code => 502, text => '<think>Hm</think>So';

# A citation in a frame has all members that the document names.
sub cited ($turn) {
	return [map {
		my $c = $_;
		+{ map { defined $c->{$_} ? ($_ => $c->{$_}) : () } keys %$c }
	} @{ $turn->{by}{'m-a'}{lane}{citations}[0]{citations} }];
}
my @found = ({ id => '7', summary => '一通电话', duration => 3 },
    { id => '8', labels => 'a|b', duration => 0 });
trouble 'citations', { steps => [{ delta => 'See' }, { citations => [$found[0], 'no object'] },
    { chunk => { citations => [$found[1]] } }, { delta => ' there' }, @end] },
    finish => 'stop', text => 'See there', more => sub ($turn) {
	my $stored = encode_utf8("[$turn->{by}{'m-a'}{row}{citations}]");
	is_deeply cited($turn), \@found, 'are passed on';
	is_deeply decode_json($stored), \@found, 'and stored';
};
trouble 'cited, then cut', { steps => [{ delta => 'See' }, { citations => [$found[0]] },
    { close => 1 }] }, finish => 'error', code => 502, text => 'See', more => sub ($turn) {
	is_deeply cited($turn), [$found[0]], 'the citations stay';
};
trouble 'usage, then cut', { steps => [{ delta => 'See' }, $usage, { close => 1 }] },
    finish => 'error', code => 502, text => 'See', estimated => 0, prompt => 9, said => 3;
sub counted ($n) {
	return { json => { choices => [{ index => 0, delta => { content => "$n " } }],
	    usage => { prompt_tokens => 5, completion_tokens => $n, total_tokens => 5 + $n } } };
}
trouble 'usage in every event', { steps => [counted(1), counted(2), counted(3), @end] },
    finish => 'stop', text => '1 2 3 ', estimated => 0, prompt => 5, said => 3;
trouble 'usage that counts nonsense', { steps => [{ delta => '你好' }, { usage => {
    prompt_tokens => -1, completion_tokens => 'many' } }, @end] }, finish => 'stop', text => '你好',
    said => 2;

# --- all of them

subtest 'every lane fails' => sub {
	$p->upstream->unscript;
	$p->heal('m-a');
	$p->script('*', { times => 0, status => 503 });
	my ($session, undef, $s) = begin($p, $QUESTION);
	my $lanes = $p->lanes($s->events);
	is_deeply [map { "$_->{finish} $_->{error}{code} " . @{ $_->{citations} } } values %$lanes],
	    [('error 503 1') x 4], 'each tells it';
	is $s->aborted, undef, 'the stream ends properly';
	is @{ $p->sql('SELECT 1 FROM turn WHERE ended_ms IS NULL') }, 0, 'and the turn is closed';
};

subtest 'the upstream is gone, and comes back' => sub {
	$p->upstream->unscript;
	$p->script('*', { times => 0, steps => [{ delta => 'I was ' }, { hang => 1 }] });
	my $spoke = 0;
	my $s = $p->stream(POST => '/conv/chat', json => body($p, $QUESTION),
	    on_event => sub ($e, $leave) { $p->upstream->stop if ++$spoke == 4 });
	my ($lanes, $session) = ($p->lanes($s->events), $s->events->[0]{data}{session_id});
	is_deeply [map { "$_->{text}$_->{finish}" } values %$lanes], [('I was error') x 4],
	    'the lanes end';
	$p->upstream->start;
	$p->heal('m-a', @others);
	$p->script($_, $fine) for 'm-a', @others;
	my $again = $p->stream(POST => '/conv/chat', json => body($p, 'And now?',
	    session => $session));
	is_deeply [map { $_->{text} } values %{ $p->lanes($again->events) }],
	    [('All is well.') x 4],
	    'the next question is answered';
	my ($log) = $p->upstream_log;
	is_deeply [map { "$_->{role}: $_->{content}" } @{ $log->{body}{messages} }],
	    ["user: $QUESTION", 'assistant: I was ', 'user: And now?'],
	    'and what was said before the failure is its context';
};


# --- what a lane knows

sub heard ($code) {
	my ($request) = grep { $_->{code} eq $code } reverse $p->upstream_log;
	return map { "$_->{role}: $_->{content}" } @{ $request->{body}{messages} };
}

subtest 'the window' => sub {
	my @long = map { $_ x 1600 } qw(p q r s);	# 400 tokens, 404 with their place
	$p->upstream->unscript;
	my ($session, undef) = begin($p, $long[0]);
	$p->stream(POST => '/conv/chat', json => body($p, $_, session => $session))
	    for @long[1 .. 3];
	my @b = heard('m-b');
	is_deeply [map { /\A(\w+: .)/ } grep { /\Auser/ } @b], ['user: r', 'user: s'],
	    'whole turns are left out, the oldest first';
	is @b, 3, 'with their answers';
	like $b[1], qr/\Aassistant: /, 'so that it begins with a question';
	is scalar(heard('m-c')), 7, 'a lane without a window hears all';
	my ($request) = grep { $_->{code} eq 'm-b' } reverse $p->upstream_log;
	is $request->{body}{max_tokens}, 50, 'and it is told how much it may say';
};

subtest 'private and public' => sub {
	$p->upstream->unscript;
	$p->script('*', { times => 4, steps => [{ delta => 'in public' }, @end] });
	my ($session, $pri) = begin($p, 'Q1');
	my ($mask) = map { $_->{mask} } grep { $_->{code} eq 'm-c' } values %{ stored($session) };
	my $say = sub ($path, $question, $answer, %o) {
		$p->script($_, { steps => [{ delta => $answer }, @end] })
		    for @{ $o{to} // ['m-c'] };
		return $p->stream(POST => $path, json => body($p, $question, session => $session,
		    $o{to} ? () : (pri => $pri->{$mask})));
	};
	$say->('/conv/chat/pri', 'P1', 'in private');
	is_deeply [heard('m-c')], ['user: Q1', 'assistant: in public', 'user: P1'],
	    'a private turn sees the public ones';
	$say->('/conv/chat', 'Q2', 'again in public', to => ['m-a', @others]);
	is_deeply [heard('m-c')], ['user: Q1', 'assistant: in public', 'user: Q2'],
	    'but a public one no private one';
	$say->('/conv/chat/pri', 'P2', 'x');
	is_deeply [heard('m-c')], ['user: Q1', 'assistant: in public', 'user: P1',
	    'assistant: in private', 'user: Q2', 'assistant: again in public', 'user: P2'],
	    'the next private one sees them all, in order';
};

subtest 'one turn at a time' => sub {
	$p->upstream->unscript;
	my ($session, $pri) = begin($p, 'Q1');
	my %mask = map { $_->{code} => $_->{mask} } values %{ stored($session) };
	$p->script('m-b', { steps => [{ delta => 'slowly ' }, { sleep => 1 }, { delta => 'done' },
	    @end] });
	$p->script('m-c', { steps => [{ delta => 'quickly' }, @end] });
	my (@refused, $other);
	my $slow = $p->stream(POST => '/conv/chat/pri',
	    json => body($p, 'take your time', pri => $pri->{ $mask{'m-b'} }), on_event => sub {
		return if $other;
		$other = 1;
		push @refused, $p->post($_->[0], json => body($p, 'now', @{ $_->[1] }))
		    for ['/conv/chat/pri', [pri => $pri->{ $mask{'m-b'} }]],
		    ['/conv/chat/single', [pri => $pri->{ $mask{'m-b'} }]],
		    ['/conv/chat', [session => $session]];
		$other = $p->post('/conv/chat/pri', json => body($p, 'now',
		    pri => $pri->{ $mask{'m-c'} }));
	});
	refused $_, 409, qr/\S/, 'the lane takes no other question' for @refused;
	is @refused, 3, 'however it is asked';
	like $other->body, qr/quickly/, 'another lane answers meanwhile';
	is $p->lanes($slow->events)->{ $mask{'m-b'} }{text}, 'slowly done', 'the first is whole';
};

# --- who leaves

my $slow = { steps => [{ repeat => 10, steps => [{ delta => 'word ' }, { sleep => 0.05 }] },
    { finish => 'stop' }, $usage, { done => 1 }] };

sub leave ($path) {
	$p->upstream->unscript;
	$p->upstream->clear_log;
	$p->script('*', { %$slow, times => 4 });
	return $p->stream(POST => $path, json => body($p, $QUESTION), leave_after => 8);
}

sub said_before ($s) { return $p->lanes($s->events) }

subtest 'on_disconnect = finish' => sub {
	my $s = leave('/conv/chat');
	my $session = $s->events->[0]{data}{session_id};
	$p->eventually('closed', sub {
		!grep { $_->{status} eq 'running' } values %{ stored($session) } });
	is_deeply [map { "$_->{text}$_->{status} $_->{completion_tokens}" }
	    values %{ stored($session) }],
	    [('word ' x 10 . 'stop 3') x 4], 'the whole answer is stored';
	is_deeply [map { $_->{ended} } $p->upstream_log], [('complete') x 4],
	    'the upstream could say all of it';
};

sub cancelled ($s, $what) {
	$p->eventually("$what: the upstream is let go", sub {
		4 == grep { $_->{ended} eq 'aborted' && $_->{events} < 10 } $p->upstream_log }, 2);
	return;
}

subtest 'what is not stored is cancelled' => sub {
	my $s = leave('/combine/chat');
	cancelled($s, 'combine');
	$p->eventually('its figures are kept', sub {
		my $rows = $p->sql('SELECT a.status, a.text, a.estimated, a.completion_tokens AS n'
		    . ' FROM answer a JOIN turn t ON t.id = a.turn WHERE t.session IS NULL');
		@$rows == 4 && !grep { $_->{status} ne 'stopped' || defined $_->{text}
		    || !$_->{estimated} || $_->{n} < 1 } @$rows });
};

subtest 'on_disconnect = cancel' => sub {
	my ($exit) = $p->stack('up', '--set', 'on_disconnect=cancel');
	is $exit, 0, 'set';
	my $s = leave('/conv/chat');
	my $session = $s->events->[0]{data}{session_id};
	cancelled($s, 'arena');
	$p->eventually('closed', sub {
		!grep { $_->{status} eq 'running' } values %{ stored($session) } });
	my $lanes = $p->lanes($s->events);
	for my $row (values %{ stored($session) }) {
		is $row->{status}, 'stopped', "$row->{code}: stopped";
		my $seen = $lanes->{ $row->{mask} }{text} // '';
		like $row->{text}, qr/\A\Q$seen\E(?:word ){0,4}\z/,
		    "$row->{code}: with what it said";
		is $row->{completion_tokens}, tokens($row->{text}), "$row->{code}: estimated";
	}
	my $again = $p->stream(POST => '/conv/chat',
	    json => body($p, 'go on', session => $session));
	is scalar(keys %{ $p->lanes($again->events) }), 4, 'the next question is taken';
};

balanced();
$p->down;
my @warned = grep { $_->{msg} =~ /upstream|answer failed/ } $p->log_lines;
cmp_ok scalar(@warned), '>', 20, 'failures are in the log';
$p->no_errors_logged;

done_testing;
