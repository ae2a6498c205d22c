// What the clients' scripts share: points in TAP, and the upstream under control.

const { PARLEY_UPSTREAM } = process.env;
let points = 0;

export function ok(good, name, ...said) {
	console.log(`${good ? 'ok' : 'not ok'} ${++points} - ${name}`);
	if (!good)
		for (const s of said)
			console.log(`# ${typeof s === 'string' ? s : JSON.stringify(s)}`);
}

export function is(got, want, name) {
	const [g, w] = [got, want].map((v) => JSON.stringify(v));
	ok(g === w, name, `got ${g}`, `wanted ${w}`);
}

// The last line: how many points there were.
export function done() {
	console.log(`1..${points}`);
}

// Queues a script for the next request to a model, by the upstream's name for it.
export async function script(model, what) {
	const reply = await fetch(`${PARLEY_UPSTREAM}/_script`, {
		method: 'POST', body: JSON.stringify({ model, ...what }),
	});
	if (!reply.ok)
		throw new Error(await reply.text());
}

// The requests that the upstream has seen.
export async function seen() {
	return (await fetch(`${PARLEY_UPSTREAM}/_log`)).json();
}

// Until the function says something true, 10 s at most.
export async function eventually(what) {
	for (const until = Date.now() + 10_000; Date.now() < until;) {
		const value = await what();
		if (value)
			return value;
		await new Promise((go) => setTimeout(go, 20));
	}
	return undefined;
}
