<?php
// What Parley's arena does for one lane, as PHP does it: asks the upstream with curl, takes its
// events apart in the write callback, puts each delta into a frame of the arena and flushes it.
// Stores nothing.

// Otherwise PHP jumps out of curl's callback when the client is gone, and the upstream's
// connection stays open.
ignore_user_abort(true);
$request = json_decode(file_get_contents('php://input'), true);
$session = $request['session_id'];
$private = bin2hex(random_bytes(16));
$created = time();

header('Content-Type: text/event-stream; charset=utf-8');
header('Cache-Control: no-cache');
header('X-Accel-Buffering: no');

function frame(?string $content, ?string $finish): void
{
	global $session, $private, $created;

	echo 'data: ', json_encode([
		'session_id' => $session,
		'object' => 'chat.completion.chunk',
		'created' => $created,
		'choices' => [[
			'index' => 0,
			'delta' => $content === null ? new stdClass() : ['content' => $content],
			'finish_reason' => $finish,
		]],
		'citations' => [],
		'maskName' => '模型A',
		'maskCode' => 'ALPHA',
		'privateId' => $private,
	], JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES), "\n\n";
	flush();
}

// One event of the upstream's, without its blank line.
function event(string $event): void
{
	if (!str_starts_with($event, 'data: ') || $event === 'data: [DONE]')
		return;
	$chunk = json_decode(substr($event, 6), true);
	$choice = $chunk['choices'][0] ?? null;
	if (($choice['delta']['content'] ?? '') !== '')
		frame($choice['delta']['content'], null);
	if (($choice['finish_reason'] ?? null) !== null)
		frame(null, $choice['finish_reason']);
}

$buffer = '';
$curl = curl_init($_SERVER['UPSTREAM'] . '/chat/completions');
curl_setopt_array($curl, [
	CURLOPT_POST => true,
	CURLOPT_POSTFIELDS => json_encode([
		'model' => 'bench',
		'messages' => $request['messages'],
		'stream' => true,
		'stream_options' => ['include_usage' => true],
	]),
	CURLOPT_HTTPHEADER => ['Content-Type: application/json'],
	CURLOPT_WRITEFUNCTION => function ($curl, string $data) use (&$buffer): int {
		$buffer .= $data;
		for ($at = 0; ($end = strpos($buffer, "\n\n", $at)) !== false; $at = $end + 2)
			event(substr($buffer, $at, $end - $at));
		$buffer = substr($buffer, $at);
		return connection_aborted() ? 0 : strlen($data);
	},
]);
if (!curl_exec($curl) || curl_getinfo($curl, CURLINFO_RESPONSE_CODE) !== 200)
	frame(null, 'error');
