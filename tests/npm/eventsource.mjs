// EventSource: a kept stream from its first event on; a question of the session dialect, asked once.

import { EventSource } from 'eventsource';
import { done, eventually, is, ok, script, seen } from './told.mjs';

const { PARLEY_URL, PARLEY_KEY, PARLEY_SESSION, PARLEY_MODEL } = process.env;
const upstream = 'veiled-a-70b';
const bearer = { Authorization: `Bearer ${PARLEY_KEY}` };
const steps = [{ delta: 'Hel' }, { delta: 'lo' }, { finish: 'stop' }, { done: true }];

// Hears it until the server says, after its end, that there is nothing more.
function hear(path) {
	return new Promise((over) => {
		const heard = { messages: [], ids: [], last: [], opened: 0 };
		const source = new EventSource(PARLEY_URL + path, {
			fetch: (url, init) => {
				heard.last.push(init.headers['Last-Event-ID'] ?? null);
				return fetch(url, { ...init, headers: { ...init.headers, ...bearer } });
			},
		});

		source.onopen = () => heard.opened++;
		source.onmessage = (e) => {
			heard.messages.push(e.data);
			heard.ids.push(e.lastEventId);
		};
		source.onerror = (e) => {
			if (source.readyState !== EventSource.CLOSED)
				return;
			over({ ...heard, code: e.code });
		};
	});
}

async function stream() {
	await script(upstream, { steps });
	const reply = await fetch(`${PARLEY_URL}/v1/chat/completions`, {
		method: 'POST', headers: { ...bearer, 'Content-Type': 'application/json' },
		body: JSON.stringify({ model: 'm-a', stream: true, store: true,
			messages: [{ role: 'user', content: 'Hi' }] }),
	});
	const turn = reply.headers.get('x-stream-id');
	const lines = (await reply.text()).split('\n').filter((l) => l.startsWith('data: '))
		.map((l) => l.slice(6));
	const heard = await hear(`/v1/streams/${turn}`);
	is(heard.messages, lines, '/v1/streams: the stream, byte for byte');
	is(heard.ids, lines.map((l, i) => `${turn}-${i + 1}`), '... numbered');
	is(heard.last, [null, heard.ids.at(-1)], '... and comes back with the last');
	is([heard.code, heard.opened], [204, 1], '... to hear that it is over');
}

async function conversation() {
	const before = (await seen()).length;
	await script(upstream, { steps });
	const heard = await hear('/v1/chat/session/conversation?' + new URLSearchParams({
		sessionId: PARLEY_SESSION, modelId: PARLEY_MODEL, contentType: 'text', text: '你好?' }));
	const messages = heard.messages.map((m) => JSON.parse(m));
	is(messages.map((m) => m.parts.join('')).join(''), 'Hello', 'a conversation');
	is(messages.at(-1).record.answerText, 'Hello', '... with its record');
	is(heard.code, 204, '... and its end');
	ok(await eventually(async () => (await seen()).length === before + 1),
		'... asked once, though it came back');
}

await stream();
await conversation();
done();
