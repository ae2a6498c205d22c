#!/usr/bin/perl
# What an assistant does beside answering: tools, suggestions and going on after a break, while its
# workers are replaced, killed, or asked to stop; and what it costs.

use v5.36;
use utf8;

use Mojo::JSON qw(encode_json from_json true);
use ParleyTest;
use ParleyTest::Chat;
use ParleyTest::Process;
use ParleyTest::Release;
use ParleyTest::Streams;
use Test::More;

my $p = ParleyTest->new(models => 1, workers => 2,
    model_args => ['--price-in', 2, '--price-out', 10]);
my @ann = login($p, 'ann');

ParleyTest::Process::spew($p->dir . '/tool.json', encode_json({
	name => 'find', description => 'Looks things up',
	parameters => { type => 'object', properties => { q => { type => 'string' } } },
	url => 'http://127.0.0.1:' . $p->upstream->port . '/search?format=json', timeout => 30,
}));
$p->parley('tool', 'add', $p->dir . '/tool.json');
my $helper = an_assistant($p, tool => 'find', suggest => 'on', continue => 'on');

sub usage ($in, $out) { return { usage => { prompt_tokens => $in, completion_tokens => $out,
	total_tokens => $in + $out } } }

sub calls () {
	$p->script('m-a', { steps => [{ delta => 'Let me see. ' }, { tool_calls => [
		{ name => 'find', arguments => { q => '面包' } }] }, { finish => 'tool_calls' },
		usage(100, 10), { done => 1 }] });
	return;
}

sub says ($text, $in, $out) {
	$p->script('m-a', { steps => [{ delta => $text }, { finish => 'stop' }, usage($in, $out),
		{ done => 1 }] });
	return;
}

sub streamed (%o) {
	return $p->stream(POST => $CHAT, json => { action => 1, content => 'Rye?', stream => true,
	    release_key => $helper->{release_key} }, @ann, %o);
}

sub frames ($s) { return grep { ref } map { $_->{data} } @{ $s->events } }
sub text_of ($s) { return join '', map { $_->{delta} // '' } frames($s) }

sub row () {
	return $p->sql('SELECT a.*, (SELECT SUM(amount) FROM ledger WHERE answer = a.id) AS paid,'
	    . ' (SELECT COUNT(*) FROM tool_run WHERE answer = a.id) AS runs'
	    . ' FROM answer a ORDER BY id DESC LIMIT 1')->[0];
}

sub closed () {
	return $p->eventually('closed', sub { row()->{status} ne 'running' && row() }, 30);
}

# Runs once, when the tool has been called and is not answered yet.
sub while_it_runs ($code) {
	my $begun;
	return on_event => sub ($e, $) {
		return if $begun || !ref $e->{data} || ($e->{data}{delta} // '') ne 'Let me see. ';
		$begun = 1;
		$p->eventually('the tool is called', sub {
			my ($last) = reverse $p->upstream_log;
			return $last->{model} eq 'demo-search' && $last->{ended} eq 'running';
		});
		$code->($e);
	};
}

subtest 'a round of tools, and questions' => sub {
	calls();
	says('It is 340 cents.', 200, 20);
	says("How much is white bread?\nSince when?", 50, 15);
	my $s = streamed();
	is text_of($s), 'Let me see. It is 340 cents.', 'the answer';
	is_deeply((frames($s))[-1]{prompt_questions}, ['How much is white bread?', 'Since when?'],
	    'and what may be asked next');
	my $row = closed();
	is_deeply [@$row{qw(status text prompt_tokens completion_tokens estimated runs)}],
	    ['stop', 'Let me see. It is 340 cents.', 300, 30, 0, 1], 'stored';
	is_deeply from_json($row->{questions}), ['How much is white bread?', 'Since when?'],
	    'with the questions';
	# 300 and 30 of the answer, 50 and 15 of the questions
	is_deeply [map { 0 + $_ } @$row{qw(cost paid)}], [(0.00115) x 2], 'all is paid for';
	my $run = from_json($p->sql('SELECT body FROM tool_run')->[0]{body});
	is_deeply [@$run{qw(round name arguments status)}], [1, 'find', { q => '面包' }, 200],
	    'the call';
	is from_json($run->{result})->{query}, '面包', 'and its result';
	my $heard = (grep { $_->{path} =~ /chat/ } $p->upstream_log)[1]{body}{messages};
	is_deeply [map { $_->{role} } @$heard[-2, -1]], [qw(assistant tool)], 'was told';
	is $heard->[-1]{content}, $run->{result}, '... as it came';
};

subtest 'goes on after a break' => sub {
	$p->script('m-a', { steps => [{ delta => 'Half ' }, { delta => 'an ' }, { close => 1 }] });
	says('answer.', 20, 2);
	says('More?', 5, 1);
	is text_of(streamed()), 'Half an answer.', 'the answer is whole';
	is_deeply [@{ closed() }{qw(status text seams)}], ['stop', 'Half an answer.', '[8]'],
	    'stored with its seam';
};

subtest 'stopped while a tool runs' => sub {
	$p->script('demo-search', { hang_before => true });
	calls();
	my $s = streamed(headers => { %{ {@ann}->{headers} }, 'X-Stream-Ids' => 1 },
	    while_it_runs(sub ($e) {
		$p->post('/v1/streams/' . ($e->{id} =~ /^(\d+)-/)[0] . '/stop', @ann);
	}));
	ok((frames($s))[-1]{stopped}, 'it says so') or diag explain [frames($s)];
	my $row = closed();
	is_deeply [@$row{qw(status text prompt_tokens completion_tokens runs)}],
	    ['stopped', 'Let me see. ', 100, 10, 0], 'what was said and paid';
	$p->eventually('the call is cut', sub {
		my ($last) = reverse $p->upstream_log;
		return $last->{ended} eq 'aborted';
	});
};

subtest 'HUP while a tool runs' => sub {
	my @old = @{ $p->pids->{workers} };
	$p->script('demo-search', { hang_before => 2, body => '{"found":1}' });
	calls();
	says('So it is.', 200, 20);
	says('More?', 5, 1);
	my $s = streamed(while_it_runs(sub ($) { kill HUP => $p->pids->{master} }));
	is text_of($s), 'Let me see. So it is.', 'the old worker goes on to the end';
	is closed()->{runs}, 1, 'stored';
	my %old = map { $_ => 1 } @old;
	$p->eventually('new workers', sub {
		my @now = @{ $p->pids->{workers} };
		return @now == 2 && !grep { $old{$_} } @now;
	}, 30);
};

subtest 'killed while a tool runs' => sub {
	$p->script('demo-search', { hang_before => true });
	calls();
	streamed(while_it_runs(sub ($) { kill KILL => @{ $p->pids->{workers} } }));
	my $row = closed();
	is_deeply [@$row{qw(status error text prompt_tokens completion_tokens)}],
	    ['error', 'F_UNAVAILABLE', 'Let me see. ', 100, 10], 'what was said and paid is kept';
	is 0 + $row->{cost}, 0.0003, 'the cost';
	is $row->{paid}, $row->{cost}, '... is booked';
	$p->eventually('two workers', sub { @{ $p->pids->{workers} } == 2 }, 30);
	calls();
	says('Back.', 1, 1);
	says('More?', 1, 1);
	is text_of(streamed()), 'Let me see. Back.', 'and it works again';
};

is $p->sql('SELECT COUNT(*) AS n FROM answer a LEFT JOIN ledger l ON l.answer = a.id'
    . ' WHERE a.cost <> IFNULL(l.amount, -1)')->[0]{n}, 0, 'the books balance';
is $p->sql('SELECT COUNT(*) AS n FROM reservation')->[0]{n}, 0, 'nothing is put aside';
$p->no_errors_logged('no other errors', allow => [qr/a worker died/]);
done_testing;
