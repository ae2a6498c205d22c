<?php
// /task/list as PHP does it: the same statements (src/store/sql.def: USER_GET, TASK_LIST and
// TASK_SESSIONS) through a persistent connection, the same reply.

mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$db = mysqli_connect('p:localhost', $_SERVER['DB_USER'], '', $_SERVER['DB_NAME'], 0,
    $_SERVER['DB_SOCKET']);

$subject = $db->real_escape_string($_SERVER['HTTP_USERID']);
$user = $db->query("SELECT id, tenant, subject, name, avatar FROM user
    WHERE tenant = 1 AND subject = '$subject'")->fetch_assoc();
$owner = (int)$user['id'];

$nodes = [];
$tasks = $db->query("SELECT id, title, default_of IS NOT NULL AS is_default FROM task
    WHERE owner = $owner ORDER BY id DESC");
while ($task = $tasks->fetch_assoc())
	$nodes[$task['id']] = [
		'id' => $task['id'],
		'val' => $task['title'],
		'leaf' => false,
		'children' => [],
	];
$sessions = $db->query("SELECT id, task, title FROM session
    WHERE owner = $owner AND task IS NOT NULL AND answered_ms IS NOT NULL AND deleted_ms IS NULL
    ORDER BY id DESC");
while ($session = $sessions->fetch_assoc())
	$nodes[$session['task']]['children'][] = [
		'id' => 'chat_' . $session['id'],
		'val' => $session['title'],
		'leaf' => true,
		'children' => [],
	];

header('Content-Type: application/json; charset=utf-8');
header('Cache-Control: no-store');
echo json_encode(['code' => 200, 'msg' => '执行成功!', 'data' => array_values($nodes)],
    JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
