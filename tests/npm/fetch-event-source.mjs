// fetch-event-source: questions by POST, of the arena and of the session dialect. It is made for
// browsers: what it needs of one stands here.

globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };

const { fetchEventSource } = await import('@microsoft/fetch-event-source');
const { done, is, ok, script } = await import('./told.mjs');

const { PARLEY_URL, PARLEY_KEY, PARLEY_TASK, PARLEY_SESSION, PARLEY_MODEL } = process.env;
const steps = [{ delta: 'Hel' }, { delta: 'lo ✓' }, { finish: 'stop' }, { done: true }];

async function hear(path, headers, body) {
	const messages = [];
	let type;

	await fetchEventSource(PARLEY_URL + path, {
		method: 'POST', headers: { 'Content-Type': 'application/json', ...headers },
		body: JSON.stringify(body), openWhenHidden: true,
		onopen: async (reply) => { type = reply.headers.get('content-type'); },
		onmessage: (e) => { messages.push(JSON.parse(e.data)); },
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
		{ Authorization: `Bearer ${PARLEY_KEY}` }, { sessionId: Number(PARLEY_SESSION),
		modelId: Number(PARLEY_MODEL), contentType: 'text', text: 'Hi' });
	is(messages.map((m) => m.parts.join('')).join(''), 'Hello ✓', '... of an answer');
	is([messages.at(-1).finished, messages.at(-1).record.answerText], [true, 'Hello ✓'],
		'... to its end');
}

await arena();
await session();
done();
