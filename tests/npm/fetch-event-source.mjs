// fetch-event-source: questions by POST, in each dialect that documents streams. It is made for
// browsers: what it needs of one stands here.

globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };

const { fetchEventSource } = await import('@microsoft/fetch-event-source');
const { done, is, ok, script } = await import('./told.mjs');

const { PARLEY_URL, PARLEY_KEY, PARLEY_TASK, PARLEY_SESSION, PARLEY_MODEL, PARLEY_ASSISTANT,
	PARLEY_VERSION, PARLEY_RELEASE } = process.env;
const bearer = { Authorization: `Bearer ${PARLEY_KEY}` };
const steps = [{ delta: 'Hel' }, { delta: 'lo ✓' }, { finish: 'stop' }, { done: true }];

async function hear(path, headers, body) {
	const messages = [];
	let type;

	await fetchEventSource(PARLEY_URL + path, {
		method: 'POST', headers: { 'Content-Type': 'application/json', ...headers },
		body: JSON.stringify(body), openWhenHidden: true,
		onopen: async (reply) => { type = reply.headers.get('content-type'); },
		onmessage: (e) => { messages.push(e.data === '[DONE]' ? e.data : JSON.parse(e.data)); },
		onerror: (e) => { throw e; },
	});
	ok(/^text\/event-stream/.test(type), `${path}: a stream`, type);
	return messages;
}

async function arena() {
	const text = {};

	for (const model of ['veiled-a-70b', 'veiled-b-70b'])
		await script(model, { steps });
	for (const frame of await hear('/conv/chat', { userId: 'tester' }, { taskId: PARLEY_TASK,
		messages: [{ role: 'user', content: 'Hi' }] }))
		text[frame.maskCode] = (text[frame.maskCode] ?? '') + frame.choices[0].delta.content;
	is(Object.keys(text).sort().map((mask) => text[mask]), ['Hello ✓', 'Hello ✓'],
		'... of two lanes');
}

async function session() {
	await script('veiled-a-70b', { steps });
	const messages = await hear('/v1/chat/session/conversation',
		bearer, { sessionId: Number(PARLEY_SESSION),
		modelId: Number(PARLEY_MODEL), contentType: 'text', text: 'Hi' });
	is(messages.map((m) => m.parts.join('')).join(''), 'Hello ✓', '... of an answer');
	is([messages.at(-1).finished, messages.at(-1).record.answerText], [true, 'Hello ✓'],
		'... to its end');
}

async function copywriting() {
	await script('veiled-a-70b', { steps });
	const [dialogue, ...said] = await hear(
		`/copywriting/dialogue/sse/send-message/${PARLEY_VERSION}`,
		{ 'x-api-key': `Bearer ${PARLEY_KEY}` },
		{ speechUserDialogueMessage: { content: 'Hi' } });
	is([dialogue.sceneId, dialogue.closeSse], [PARLEY_VERSION, false], '... of a dialogue');
	is(said.map((m) => [m.result, m.isEnd]), [['Hel', false], ['lo ✓', false], ['', true]],
		'... to its end');
}

async function release() {
	await script('veiled-a-70b', { steps });
	const frames = await hear('/studio/rag/data/v1/release:chat', bearer,
		{ action: 1, content: 'Hi', release_key: PARLEY_RELEASE, stream: true });
	is(frames.at(-1), '[DONE]', '... that says when it is done');
	is([frames.slice(0, -1).map((f) => f.delta).join(''), frames.at(-2).message],
		['Hello ✓', 'Hello ✓'], '... of an answer');
}

async function visitor() {
	await script('veiled-a-70b', { steps });
	const frames = await hear(`/v1/openapi/chat?apiKey=${PARLEY_KEY}`, {},
		{ content: 'Hi', ibotID: PARLEY_ASSISTANT, stream: true });
	is(frames.map((f) => f.desc).join(''), 'Hello ✓', '... of an answer');
	is([frames.at(-1).finished, typeof frames.at(-1).usage.total_cost], [true, 'number'],
		'... and what it cost');
}

await arena();
await session();
await copywriting();
await release();
await visitor();
done();
