// OpenAI's own client: chats, streams, tools, models, errors, and leaving.

import OpenAI from 'openai';
import { done, eventually, is, ok, script, seen } from './told.mjs';

const { PARLEY_URL, PARLEY_KEY } = process.env;
const options = { apiKey: PARLEY_KEY, baseURL: `${PARLEY_URL}/v1`, maxRetries: 0 };
const client = new OpenAI(options);
const chats = client.chat.completions;
const ask = { model: 'm-a', messages: [{ role: 'user', content: 'Hi' }] };
const upstream = 'veiled-a-70b';

async function models() {
	const ids = [];
	for await (const model of client.models.list())
		ids.push(model.id);
	is(ids, ['m-a', 'm-b'], 'models.list');
	is((await client.models.retrieve('m-b')).id, 'm-b', 'models.retrieve');
}

async function reply() {
	await script(upstream, { steps: [{ delta: 'Hello ' }, { delta: '✓' }, { finish: 'stop' },
		{ usage: { prompt_tokens: 3, completion_tokens: 2 } }, { done: true }] });
	const { data, response } = await chats.create(ask).withResponse();
	is(data.choices[0].message.content, 'Hello ✓', 'a reply');
	is(data.usage.total_tokens, 5, '... with its usage');
	is(response.headers.get('x-stream-id'), null, '... that is not kept');
}

async function streams() {
	const steps = [{ reasoning: 'hm' }, { delta: 'a' }, { delta: 'b' }, { finish: 'length' },
		{ usage: { prompt_tokens: 3, completion_tokens: 2 } }, { done: true }];
	let text = '', usage;

	await script(upstream, { steps });
	for await (const chunk of await chats.create({ ...ask, stream: true,
		stream_options: { include_usage: true } })) {
		text += chunk.choices[0]?.delta?.content ?? '';
		usage = chunk.usage ?? usage;
	}
	is([text, usage.total_tokens], ['ab', 5], 'a stream, with its usage');
	await script(upstream, { steps });
	const whole = await chats.stream(ask).finalChatCompletion();
	is([whole.choices[0].message.content, whole.choices[0].finish_reason], ['ab', 'length'],
		'a stream that the client puts together');
	await script(upstream, { steps });
	const { data, response } = await chats.create({ ...ask, stream: true, store: true })
		.withResponse();
	for await (const chunk of data)
		is(chunk.id, `chatcmpl-${response.headers.get('x-stream-id')}`, 'a kept chunk');
}

async function tools() {
	const said = [];
	const weather = { name: 'weather', description: 'how it is', parse: JSON.parse,
		parameters: { type: 'object', properties: { city: { type: 'string' } } },
		function: ({ city }) => { said.push(city); return `sunny in ${city}`; } };

	for (const way of ['runTools', 'as a stream']) {
		await script(upstream, { steps: [
			{ chunk: { tool_calls: [{ index: 0, id: 'call_1', type: 'function',
				function: { name: 'weather', arguments: '{"city":' } }] } },
			{ chunk: { tool_calls: [{ index: 0, function: { arguments: '"深圳"}' } }] } },
			{ finish: 'tool_calls' }, { done: true }] });
		await script(upstream, { steps: [{ delta: 'Sunny.' }, { finish: 'stop' },
			{ done: true }] });
		const runner = chats.runTools({ ...ask, stream: way !== 'runTools',
			tools: [{ type: 'function', function: weather }] });
		is(await runner.finalContent(), 'Sunny.', `tools: ${way}`);
		const { messages } = (await seen()).at(-1).body;
		is(messages.map((m) => m.role), ['user', 'assistant', 'tool'], '... goes round');
		is([messages[1].tool_calls[0].function.arguments, messages[2].content],
			['{"city":"深圳"}', 'sunny in 深圳'], '... with call and result');
	}
	is(said, ['深圳', '深圳'], '... each called once');
}

async function fails(name, kind, how, check = () => true) {
	let error;

	try {
		await how();
	} catch (e) {
		error = e;
	}
	ok(error instanceof kind && check(error), name, String(error));
}

async function errors() {
	const stranger = new OpenAI({ ...options, apiKey: 'sk-wrong' });

	await fails('a wrong key', OpenAI.AuthenticationError, () => stranger.models.list(),
		(e) => e.code === 'invalid_api_key');
	await fails('an unknown model', OpenAI.NotFoundError,
		() => chats.create({ ...ask, model: 'gpt-9' }), (e) => e.code === 'model_not_found');
	await fails('a bad argument', OpenAI.BadRequestError,
		() => chats.create({ ...ask, temperature: 7 }), (e) => e.param === 'temperature');
	await fails('more than one answer', OpenAI.BadRequestError,
		() => chats.create({ ...ask, n: 2 }), (e) => e.param === 'n');
	const hasty = new OpenAI({ ...options, apiKey: process.env.PARLEY_HASTY });
	await fails('too often', OpenAI.RateLimitError, async () => {
		for (let i = 0; i < 5; i++)
			await hasty.models.list();
	}, (e) => e.code === 'rate_limit_exceeded' && e.headers.get('retry-after') >= 1);
	for (const stream of [false, true]) {
		await script(upstream, { status: 400 });
		await fails(`an upstream that refuses, stream ${stream}`, OpenAI.InternalServerError,
			() => chats.create({ ...ask, stream }), (e) => e.status === 502);
	}
	await script(upstream, { steps: [{ delta: 'so far' }, { close: true }] });
	let text = '';
	await fails('an upstream that breaks off', OpenAI.APIError, async () => {
		for await (const chunk of await chats.create({ ...ask, stream: true }))
			text += chunk.choices[0].delta.content;
	}, (e) => e.type === 'server_error');
	is(text, 'so far', '... after this');
	await script(upstream, { status: 400 });
	await script(upstream, { steps: [{ delta: 'again' }, { finish: 'stop' }, { done: true }] });
	const patient = new OpenAI({ ...options, maxRetries: 2 });
	is((await patient.chat.completions.create(ask)).choices[0].message.content, 'again',
		'the client asks again');
}

async function leaving() {
	await script(upstream, { steps: [{ delta: 'a' }, { delta: 'b' }, { hang: true }] });
	let text = '';
	const stream = await chats.create({ ...ask, stream: true });
	for await (const chunk of stream) {
		text += chunk.choices[0].delta.content;
		if (text === 'ab')
			stream.controller.abort();
	}
	is(text, 'ab', 'a stream that is left');
	ok(await eventually(async () => (await seen()).at(-1).ended === 'aborted'),
		'... is cancelled upstream');
}

await models();
await reply();
await streams();
await tools();
await errors();
await leaving();
done();
