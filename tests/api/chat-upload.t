#!/usr/bin/perl
# Files that are uploaded as documents, and handed out again: what is taken, how it is kept, and
# that nothing is left of what is refused.

use v5.36;
use utf8;

use Digest::SHA  qw(sha256_hex);
use Encode       qw(encode_utf8);
use IO::Socket::INET;
use IO::Socket::UNIX;
use Mojo::JSON   qw(decode_json);
use Mojo::URL;
use Mojo::Util   qw(url_escape);
use Test::More;

use ParleyTest;
use ParleyTest::Chat;
use ParleyTest::Process;

my $UPLOAD = '/v1/chat/document/upload';
my $MIB = 1 << 20;
my $DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
my $PNG = "\x89PNG\r\n\x1a\n" . "\0" x 20;

# A limit on the length of files is to the workers what a full disk is. They must not die of it.
$SIG{XFSZ} = 'IGNORE';

for my $front (qw(nginx apache)) {
	subtest $front => sub {
		my $p = ParleyTest->new(front => $front, models => 1, workers => 1, user => undef);
		large($p);
		leaving($p);
		if ($front eq 'nginx') {
			kinds($p);
			names($p);
			several($p);
			broken($p);
			limits($p);
			strangers($p);
			full_disk($p);
		}
		$p->no_errors_logged('no other error', allow => [qr/an upload cannot be kept/]);
	};
}
done_testing;

# ---- helpers ---------------------------------------------------------------------------------

sub spill ($p, $name, $bytes) {
	my $file = $p->dir . "/$name";
	open my $fh, '>:raw', $file or die "$file: $!";
	print {$fh} $bytes;
	close $fh or die "$file: $!";
	return $file;
}

# As curl -F sends it.
sub upload ($p, $user, @args) {
	return curl($p, $user, (map { ('-F', $_) } @args), $p->url . $UPLOAD);
}

# The status and the reply's JSON.
sub curl ($p, $user, @args) {
	my $token = jwt($p, { sub => $user });
	my ($exit, $out, $err) = ParleyTest::Process::capture(['curl', '-sS',
	    '-w', '\n%{http_code}', '-H', "Authorization: Bearer $token",
	    '-H', 'Accept-Language: en', @args], seconds => 60);
	my ($body, $code) = $out =~ /\A(.*)\n(\d+)\z/s or die "curl: exit $exit: $err";
	return ($code, eval { decode_json($body) } // $body);
}

# One file by a body of our own; options of the part's head in place of the usual.
sub sent ($p, $user, $content, $head) {
	return $p->post($UPLOAD, body => "--XX\r\nContent-Disposition: form-data; name=\"file\"; "
	    . encode_utf8($head) . "\r\n\r\n$content\r\n--XX--\r\n", for_upload($p, $user));
}

sub for_upload ($p, $user, $type = 'multipart/form-data; boundary=XX') {
	my %o = login($p, $user);
	return (user => undef, headers => { %{ $o{headers} }, 'Content-Type' => $type,
	    'Accept-Language' => 'en' });
}

sub fetched ($p, $user, $id) {
	return $p->get("/v1/chat/document/$id/file", login($p, $user));
}

# Rows of everything that uploads write. (Jobs of documents come and go.)
sub rows ($p) {
	return join ' ', map { "$_=" . $p->sql("SELECT COUNT(*) AS n FROM $_")->[0]{n} }
	    'document', 'document_part', 'job WHERE ref NOT IN (SELECT id FROM document)';
}

# Uploads that the workers hold open, and names that they left.
sub kept ($p) {
	return grep { (readlink $_ // '') =~ m{/state/[^/]+ \(deleted\)\z} }
	    map { glob "/proc/$_/fd/*" } @{ $p->pids->{workers} };
}

# A record of FastCGI, and a pair of its parameters.
sub fcgi ($type, $content) {
	return pack('CCnnCC', 1, $type, 1, length $content, 0, 0) . $content;
}

sub fcgi_pair ($name, $value) {
	return join '', map({ pack 'N', length($_) | 1 << 31 } $name, $value), $name, $value;
}

sub memory ($p, $what) {
	my ($kib) = ParleyTest::Process::slurp("/proc/$p->{worker}/status") =~ /^$what:\s+(\d+)/m;
	return $kib;
}

# ---- what goes through -----------------------------------------------------------------------

sub large ($p) {
	my $content = "%PDF-1.7\n" . random(20 * $MIB - 9);
	my $file = spill($p, 'large.pdf', $content);
	($p->{worker}) = @{ $p->pids->{workers} };
	my ($code) = upload($p, 'ann', 'file=@' . spill($p, 'small.txt', 'small'));
	is $code, 200, 'a small file';
	fetched($p, 'ann', $p->sql('SELECT MAX(id) AS n FROM document')->[0]{n});

	my $before = memory($p, 'VmRSS');
	spit_refs($p);
	($code, my $r) = upload($p, 'ann', "file=\@$file");
	is $code, 200, '20 MiB';
	my $d = $r->{documents}[0];
	is_deeply [sort keys %$d], [qw(author createdAt fileName id segments size status url)],
	    'a document';
	is $d->{size}, 20480, 'its size in KB';
	is $d->{url}, "/v1/chat/document/$d->{id}/file", 'its address';
	is $d->{fileName}, 'large.pdf', 'its name';
	my $got = $p->dir . '/got';
	($code) = curl($p, 'ann', '-o', $got, $p->url . $d->{url});
	is $code, 200, 'it comes back';
	is sha256_hex(ParleyTest::Process::slurp($got)), sha256_hex($content), 'identical';
	my $most = memory($p, 'VmHWM');
	cmp_ok $most - $before, '<', 8 * 1024, "memory: $before KiB, at most $most KiB"
	    unless $p->sanitized;
	is_deeply [kept($p)], [], 'nothing of it is left in the state directory';

	parts($p, $d, $content);
	my $lens = $p->sql('SELECT n, LENGTH(body) AS len FROM document_part WHERE document = ?'
	    . ' ORDER BY n', $d->{id});
	is_deeply [map { $_->{len} } @$lens], [($MIB) x 20], 'in parts of 1 MiB';
	is $p->del("/v1/chat/document/$d->{id}", login($p, 'ann'))->code, 200, 'deleted';
	return;
}

# Some of what a file holds. (Apache does not say the length of what it passes on.)
sub parts ($p, $d, $content) {
	my $get = sub ($method, %headers) {
		return $p->request($method => $d->{url}, user => undef,
		    headers => { %{ { login($p, 'ann') }->{headers} }, %headers });
	};
	my $len = length $content;
	for my $case (['0-0', 0, 1], ["@{[$MIB - 2]}-@{[$MIB + 1]}", $MIB - 2, 4],
	    [(3 * $MIB) . '-' . (4 * $MIB - 1), 3 * $MIB, $MIB],
	    ["@{[$len - 5]}-", $len - 5, 5], ['-7', $len - 7, 7],
	    ["@{[$len - 3]}-99999999999999999999", $len - 3, 3]) {
		my ($range, $from, $n) = @$case;
		my $r = $get->(GET => Range => "bytes=$range");
		is $r->code, 206, "bytes=$range" or diag $r->body;
		ok $r->body eq substr($content, $from, $n), 'what was asked for';
		is $r->header('content-range'), "bytes $from-@{[$from + $n - 1]}/$len",
		    'and where it stands';
	}
	my $etag = $get->(HEAD => Range => 'bytes=0-0')->header('etag');
	like $etag, qr/^"\d+"$/, 'it has an etag';
	is $get->(GET => Range => 'bytes=0-3', 'If-Range' => $etag)->code, 206,
	    'going on with the same';
	for my $case ([HEAD => Range => 'bytes=0-0'], [GET => Range => 'lines=0-0'],
	    [GET => Range => 'bytes=0-3', 'If-Range' => '"another"']) {
		my $r = $get->(@$case);
		is $r->code, 200, "all of it: @$case";
		is length $r->body, $case->[0] eq 'HEAD' ? 0 : $len, 'with its bytes';
		is $r->header('accept-ranges'), 'bytes', 'and what it takes';
	}
	my $r = $get->(GET => Range => "bytes=$len-");
	chat_refused $r, 416, qr/Range/, 'past its end';
	is $r->header('content-range'), "bytes */$len", 'which is said';
	return;
}

sub random ($n) {
	open my $fh, '<:raw', '/dev/urandom' or die "urandom: $!";
	read($fh, my $bytes, $n) == $n or die "urandom: $!";
	return $bytes;
}

# From now on VmHWM is the most since now.
sub spit_refs ($p) {
	open my $fh, '>', "/proc/$p->{worker}/clear_refs" or die "clear_refs: $!";
	print {$fh} "5\n";
	close $fh or die "clear_refs: $!";
	return;
}

sub kinds ($p) {
	my @good = (
		['a.txt', "hello\n", 'text/plain', 'txt'],
		['b.MD', '# 标题', 'text/markdown', 'md'],
		['c.html', '<p>x', 'text/html', 'html'], ['c.htm', '<p>x', 'text/html', 'html'],
		['d.pdf', "%PDF-1.4\n", 'application/pdf', 'pdf'],
		['e.docx', "PK\x03\x04xx", $DOCX, 'docx'],
		['f.png', $PNG, 'image/png', 'image'],
		['g.JPG', "\xff\xd8\xff\xe0x", 'image/jpeg', 'image'],
		['g.jpeg', "\xff\xd8\xff\xe0x", 'image/jpeg', 'image'],
		['h.gif', 'GIF89a...', 'image/gif', 'image'],
		['i.webp', 'RIFF....WEBPVP8 ', 'image/webp', 'image'],
		['really-png.jpg', $PNG, 'image/png', 'image'],
	);
	for my $case (@good) {
		my ($name, $content, $media, $type) = @$case;
		$content = encode_utf8($content) if utf8::is_utf8($content);
		my $r = sent($p, 'ann', $content, qq{filename="$name"});
		is $r->code, 200, "$name is taken" or diag $r->body;
		my $d = $r->json->{documents}[0];
		is $d->{status}, $type eq 'image' ? 'ready' : 'pending', 'and to be read, or not';
		my $row = $p->sql('SELECT type, media_type, size FROM document WHERE id = ?',
		    $d->{id})->[0];
		is "$row->{type} $row->{media_type} $row->{size}",
		    "$type $media " . length $content, 'as what it is';
		is $p->sql('SELECT COUNT(*) AS n FROM job WHERE ref = ?', $d->{id})->[0]{n}, 0,
		    'an image needs no work' if $type eq 'image';
		my $file = fetched($p, 'ann', $d->{id});
		is $file->body, $content, 'it comes back';
		like $file->header('content-type'), qr/^\Q$media\E(?:;|$)/, 'as that';
		is $file->header('x-content-type-options'), 'nosniff', 'and nothing else';
		is $file->header('content-length'), length $content, 'with its length';
		is $file->header('content-disposition'),
		    "attachment; filename=\"$name\"; filename*=UTF-8''$name", 'to be kept';
	}
	my $before = rows($p);
	for my $case (['a.exe', 'MZ'], ['a', 'text'], ['a.pdf', 'no pdf'], ['a.txt', "a\0b"],
	    ['a.docx', "\xd0\xcf\x11\xe0"], ['a.png', '<svg/>'], ['a.svg', '<svg/>'], ['.', 'x']) {
		chat_refused sent($p, 'ann', $case->[1], qq{filename="$case->[0]"}), 415,
		    qr/^files of the type of \Q$case->[0]\E/, "$case->[0] is not taken, and named";
	}
	is rows($p), $before, 'nothing was stored of them';
	my $r = sent($p, 'ann', '', 'filename="empty.txt"');
	is $r->code, 200, 'an empty file';
	my $empty = fetched($p, 'ann', $r->json->{documents}[0]{id});
	is $empty->code . $empty->body, '200', 'is one';
	is $r->json->{documents}[0]{size}, 0, 'of no size';
	is sent($p, 'ann', 'x' x 1025, 'filename="a.txt"')->json->{documents}[0]{size}, 2,
	    'a KB that is begun counts';
	return;
}

sub names ($p) {
	my %names = (
		'filename="../../etc/passwd.txt"' => 'passwd.txt',
		'filename="C:\dir\notes.txt"' => 'notes.txt',
		'filename="a%22b%22.txt"' => 'a"b".txt',
		'filename="a%0D%0Ab.txt"' => 'ab.txt',
		"filename=\"a\x01\x1b[31m\x7f.txt\"" => 'a[31m.txt',
		'filename="报告 (终稿).txt"' => '报告 (终稿).txt',
		"filename*=UTF-8''%E6%8A%A5%E5%91%8A.txt" => '报告.txt',
		'filename="a;b.txt"' => 'a;b.txt',
	);
	for my $head (sort keys %names) {
		my $r = sent($p, 'ann', 'x', $head);
		is +($r->json->{documents} // [{}])->[0]{fileName}, $names{$head}, $head
		    or diag $r->body;
		my $d = $r->json->{documents}[0] // next;
		like fetched($p, 'ann', $d->{id})->header('content-disposition'),
		    qr/\Q; filename*=UTF-8''@{[ url_escape(encode_utf8($names{$head}),
		    '^A-Za-z0-9!#$&+.^_`|~\-') ]}\E$/, 'and so it is handed out';
	}
	my ($code, $r) = upload($p, 'ann', 'file=@' . spill($p, 'x.txt', 'x')
	    . ';filename=季度"报告".txt');
	is $r->{documents}[0]{fileName}, '季度"报告".txt', 'Chinese and quotes, as curl sends them';
	is sent($p, 'ann', 'x', 'filename="' . '长' x 251 . '.txt"')->code, 200, '255 characters';
	chat_refused sent($p, 'ann', 'x', 'filename="' . '长' x 252 . '.txt"'), 400, qr/filename/,
	    'one more';
	return;
}

sub several ($p) {
	my @files = map { spill($p, "n$_.txt", "file $_") } 1 .. 3;
	my ($code, $r) = upload($p, 'ann', 'note=hello', map { "file=\@$_" } @files);
	is $code, 200, 'several files, and a field';
	is_deeply [map { $_->{fileName} } @{ $r->{documents} }], [map { "n$_.txt" } 1 .. 3],
	    'in their order';
	is fetched($p, 'ann', $r->{documents}[1]{id})->body, 'file 2', 'each with its content';
	my $mojo = $p->post($UPLOAD, login($p, 'ann'), form => { file => {
	    content => 'by Mojolicious', filename => 'm.md' } });
	is fetched($p, 'ann', $mojo->json->{documents}[0]{id})->body, 'by Mojolicious',
	    'another client';

	my $before = rows($p);
	($code, $r) = upload($p, 'ann', "file=\@$files[0]", "file=\@$files[1];filename=b.exe");
	is "$code $r->{code}", '415 415', 'one of them is of another type';
	like $r->{msg}, qr/b\.exe/, 'which is said';
	is rows($p), $before, 'then none is stored';
	chat_refused $p->post($UPLOAD, body => join('', map { "--XX\r\nContent-Disposition:"
	    . " form-data; name=\"file\"; filename=\"$_.txt\"\r\n\r\nx\r\n" } 1 .. 101) . '--XX--',
	    for_upload($p, 'ann')), 400, qr/too many parts/, '101 parts';
	return;
}

# ---- what does not ---------------------------------------------------------------------------

sub broken ($p) {
	my $form = "--XX\r\nContent-Disposition: form-data";
	my $head = "$form; name=\"file\"; filename=\"a.txt\"\r\n";
	my @cases = (
		['junk', 'no parts at all', qr/a part is expected/],
		['no parts', "--XX--\r\n", qr/file/],
		['nothing', '', qr/a part is expected/],
		['no end', "$head\r\nhalf", qr/cut short/],
		['half an end', "$head\r\nwhole\r\n--XX", qr/cut short/],
		['no file', "$form; name=\"a\"\r\n\r\nx\r\n--XX--", qr/file/],
		['a file without a name', "$form; name=\"file\"\r\n\r\nx\r\n--XX--", qr/file/],
		['a form without a choice', "$form; name=\"file\"; filename=\"\"\r\n\r\n\r\n"
		    . '--XX--', qr/file/],
		['parts in a part', "${head}Content-Type: multipart/mixed; boundary=YY\r\n\r\n"
		    . "--YY--\r\n--XX--", qr/a part within a part/],
		['a long head', "${head}A: " . 'a' x 9000 . "\r\n\r\nx\r\n--XX--",
		    qr/head of a part/],
	);
	my $before = rows($p);
	for my $case (@cases) {
		my ($name, $body, $why) = @$case;
		chat_refused $p->post($UPLOAD, body => $body, for_upload($p, 'ann')), 400, $why,
		    $name;
	}
	chat_refused $p->post($UPLOAD, body => '--XX--',
	    for_upload($p, 'ann', 'multipart/form-data')), 400, qr/boundary/, 'no boundary';
	chat_refused $p->post($UPLOAD, json => {}, login($p, 'ann')), 415, qr/json/, 'JSON';
	chat_refused $p->post($UPLOAD, body => 'x', for_upload($p, 'ann', 'text/plain')), 415,
	    qr/plain/, 'text';
	is rows($p), $before, 'nothing was stored of any';
	is_deeply [kept($p)], [], 'nor kept';
	return;
}

sub limits ($p) {
	my $before = rows($p);
	my $over = spill($p, 'over.pdf', "%PDF-1.7\n" . 'x' x (20 * $MIB));
	my ($code, $r) = upload($p, 'ann', "file=\@$over");
	is $code, 413, 'over 20 MiB';
	like $r->{msg}, qr/over\.pdf is too large/, 'is named';
	my $large = spill($p, 'large.pdf', "%PDF-1.7\n" . 'x' x (17 * $MIB));
	($code, $r) = upload($p, 'ann', ("file=\@$large") x 2);
	is $code, 413, 'over upload_limit';
	like $r->{msg}, qr/body is too large/, 'together';
	is rows($p), $before, 'nothing was stored of them';
	is_deeply [kept($p)], [], 'nor kept';
	return;
}

sub strangers ($p) {
	my $r = sent($p, 'ann', 'mine', 'filename="报告.txt"');
	my $id = $r->json->{documents}[0]{id};
	chat_refused fetched($p, 'bob', $id), 404, qr/$id/, 'a stranger\'s file';
	chat_refused fetched($p, 'ann', 'x'), 404, qr/document x/, 'an id that is none';
	chat_refused $p->get("/v1/chat/document/$id/file"), 401, qr/token/, 'without a token';
	chat_refused $p->post($UPLOAD, body => '--XX--', headers => {
	    'Content-Type' => 'multipart/form-data; boundary=XX' }), 401, qr/token/,
	    'nor is one taken';
	my $cookie = $p->get("/v1/chat/document/$id/file",
	    headers => { Cookie => 'parley_token=' . jwt($p, { sub => 'ann' }) });
	is $cookie->body, 'mine', 'with the login cookie, as an image in a page';
	my $head = $p->request(HEAD => "/v1/chat/document/$id/file", login($p, 'ann'));
	is $head->code . $head->body, '200', 'HEAD';
	is $head->header('content-length'), 4, 'says the length';
	is $head->header('content-disposition'), "attachment; filename=\"__.txt\"; filename*="
	    . "UTF-8''%E6%8A%A5%E5%91%8A.txt", 'and the name';
	is $head->header('cache-control'), 'private', 'for one reader alone';
	chat_done $p->del("/v1/chat/document/$id", login($p, 'ann')), 'deleted';
	chat_refused fetched($p, 'ann', $id), 404, qr/$id/, 'it is gone';
	is $p->sql("SELECT COUNT(*) AS n FROM $_->[0] WHERE $_->[1] = ?", $id)->[0]{n}, 0,
	    "from $_->[0]" for [document => 'id'], [document_part => 'document'], [job => 'ref'];
	return;
}

# The client leaves when half of it is there; the web server passes that on, or not.
sub leaving ($p) {
	my $before = rows($p);
	my $part = "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n"
	    . "\r\n" . 'x' x 1000000;
	my %head = (REQUEST_METHOD => 'POST', REQUEST_URI => $UPLOAD, REMOTE_ADDR => '127.0.0.1',
	    CONTENT_TYPE => 'multipart/form-data; boundary=XX', CONTENT_LENGTH => 2000000,
	    HTTP_AUTHORIZATION => 'Bearer ' . jwt($p, { sub => 'ann' }));
	my $web = Mojo::URL->new($p->url);
	my $socket = IO::Socket::INET->new(PeerAddr => $web->host, PeerPort => $web->port)
	    or die "connect: $@";
	print {$socket} "POST $UPLOAD HTTP/1.1\r\nHost: localhost\r\n"
	    . "Authorization: $head{HTTP_AUTHORIZATION}\r\nContent-Type: $head{CONTENT_TYPE}\r\n"
	    . "Content-Length: $head{CONTENT_LENGTH}\r\n\r\n$part";
	close $socket;

	$socket = IO::Socket::UNIX->new(Peer => "$p->{stack}/run/fcgi.sock") or die "socket: $@";
	print {$socket} fcgi(1, pack 'nCx5', 1, 0),
	    fcgi(4, join '', map { fcgi_pair($_, $head{$_}) } sort keys %head), fcgi(4, ''),
	    map { fcgi(5, $_) } unpack '(a60000)*', $part;
	$socket->flush;
	$p->eventually('half of it is kept', sub { kept($p) });
	is_deeply [glob "$p->{stack}/state/{upload,scratch}*"], [], 'without a name';
	close $socket;
	$p->eventually('nothing is kept any more', sub { !kept($p) });
	is rows($p), $before, 'nothing was stored';
	is sent($p, 'ann', 'x', 'filename="a.txt"')->code, 200, 'the next one is taken';
	return;
}

sub full_disk ($p) {
	my ($worker) = @{ $p->pids->{workers} };
	my $before = rows($p);

	system('prlimit', '--pid', $worker, "--fsize=100000:unlimited") == 0
	    or BAIL_OUT('prlimit does not work');
	my $r = sent($p, 'ann', 'x' x 200000, 'filename="a.txt"');
	chat_refused $r, 503, qr/state_dir/, 'there is no room';
	like $r->header('retry-after'), qr/^[1-9]\d*$/, 'it may be tried again';
	is rows($p), $before, 'nothing was stored';
	is_deeply [kept($p)], [], 'nor kept';
	system 'prlimit', '--pid', $worker, '--fsize=unlimited:unlimited';
	is sent($p, 'ann', 'x' x 200000, 'filename="a.txt"')->code, 200, 'with room it is taken';
	return;
}
