#!/usr/bin/perl
# /task/add, /task/list, /task/rename, /task/del

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Arena;
use Test::More;

my $p = ParleyTest->new(models => 1, workers => 1);

sub list ($user = 'ann') { return $p->get('/task/list', user => $user)->json->{data} }

# A user without a task gets one.
my $first = $p->get('/task/list', user => 'ann');
is $first->code, 200, 'list';
is $first->header('content-type'), 'application/json; charset=utf-8', 'it is JSON';
is_deeply [sort keys %{ $first->json }], [qw(code data msg)], 'the envelope';
is $first->json->{msg}, '执行成功!', 'its message';
my ($default) = @{ $first->json->{data} };
is_deeply $default, { id => $default->{id}, val => '默认任务', leaf => \0, children => [] },
    'the default task';
like $default->{id}, qr/^[1-9]\d+$/, 'ids are decimal strings';
is_deeply list(), $first->json->{data}, 'it is made once';
is $p->get('/task/list', user => 'ann',
    headers => { 'Accept-Language' => 'en-GB,en' })->json->{msg}, 'Success',
    'in English';

# add: JSON, form, nothing at all.
my %five = (title => '客服 "质检"', description => 'd', supportUnit => 'u', busDir => 'b',
    workGoal => 'g');
done_true $p->post('/task/add', json => \%five, user => 'ann'), 'add by JSON';
done_true $p->post('/task/add', form => { %five, title => '第二 & more' }, user => 'ann'),
    'add by form';
done_true $p->post('/task/add', json => {}, user => 'ann'), 'no field is required';
is_deeply [map { $_->{val} } @{ list() }], ['', '第二 & more', '客服 "质检"', '默认任务'],
    'newest first';
is_deeply $p->sql('SELECT title, description, support_unit, bus_dir, work_goal FROM task'
    . ' WHERE title LIKE ?', '客服%'),
    [{ title => $five{title}, description => 'd', support_unit => 'u', bus_dir => 'b',
    work_goal => 'g' }],
    'the five fields are stored';
is @{ list('bob') }, 1, 'others see none of it';

# rename
my $task = list()->[2]{id};
done_true $p->get('/task/rename', query => { code => $task, title => '新名字 ✓' }, user => 'ann'),
    'rename';
is list()->[2]{val}, '新名字 ✓', 'it has the new name';
refused $p->get('/task/rename', query => { code => $task, title => 'x' }, user => 'bob'), 404,
    qr/code $task/,
    'not by others';
refused $p->get('/task/rename', query => { code => $_, title => 'x' }, user => 'ann'), 404,
    qr/code \Q$_/, "no task $_"
    for '999', '-1', '0', '01', '1e3', "${task}x", '9223372036854775808', "1' OR 1=1";
refused $p->get('/task/rename', query => { code => $task }, user => 'ann'), 400, qr/title/,
    'a title is required';
refused $p->get('/task/rename', query => { title => 'x' }, user => 'ann'), 400, qr/code/,
    'a code is required';
is list()->[2]{val}, '新名字 ✓', 'nothing of that renamed it';

# del: the sessions move.
my ($session) = begin($p, '问题一', user => 'ann', task => $task);
my ($other) = begin($p, '问题二', user => 'ann', task => $task);
is_deeply list()->[2]{children}, [
	{ id => $other, val => '问题二', leaf => \1, children => [] },
	{ id => $session, val => '问题一', leaf => \1, children => [] },
], 'answered sessions hang below their task, newest first';
create($p, user => 'ann', task => $task);
is @{ list()->[2]{children} }, 2, 'sessions without an answer do not';
refused $p->get('/task/del', query => { code => $task }, user => 'bob'), 404, qr/code $task/,
    'not by others';
done_true $p->get('/task/del', query => { code => $task }, user => 'ann'), 'del';
is_deeply [map { $_->{val} } @{ list() }], ['', '第二 & more', '默认任务'], 'it is gone';
is_deeply [map { $_->{id} } @{ list()->[-1]{children} }], [$other, $session],
    'its sessions are in the default task';
refused $p->get('/task/del', query => { code => $task }, user => 'ann'), 404, qr/code $task/,
    'a second time';
refused $p->get('/task/del', query => { code => $default->{id} }, user => 'ann'), 409, qr/\S/,
    'the default task stays';

# Paths in other spellings; other methods.
for my $path ('/api/task/list', '//task//list', '/task/list/', '/api//task/list/', '/task/%6Cist') {
	is $p->get($path, user => 'ann')->code, 200, $path;
}
my $post = $p->post('/task/list', json => {}, user => 'ann');
refused $post, 405, qr/POST/, 'POST /task/list';
is $post->header('allow'), 'GET, HEAD, OPTIONS', 'its Allow';
refused $p->get('/task/nothing', user => 'ann'), 404, qr{/task/nothing}, 'no such path';
is $p->request('HEAD', '/task/list', user => 'ann')->code, 200, 'HEAD';
my $options = $p->request('OPTIONS', '/task/add', user => undef);
is $options->code, 204, 'OPTIONS';
is $options->header('allow'), 'POST, OPTIONS', 'says what the path takes';

$p->no_errors_logged;
done_testing;
