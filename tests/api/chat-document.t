#!/usr/bin/perl
# Documents of logged-in users: registered by address, listed, found, renamed, deleted, put into
# conversations; and that they are their owner's alone.

use v5.36;
use utf8;

use Test::More;

use ParleyTest;
use ParleyTest::Chat;

my $p = ParleyTest->new(models => 1, workers => 1, user => undef);
my @ann = login($p, 'ann', name => '安');
my @bob = login($p, 'bob');
my $ANY = 999;			# an id that nobody has

sub register ($who, %fields) {
	return $p->post('/v1/chat/document', @$who, json => { fileName => 'a.pdf',
	    url => 'http://files.invalid/a.pdf', size => 3, %fields });
}

sub found ($who, %query) {
	my $r = $p->post('/v1/chat/document/search', @$who, json => \%query);
	return ($r->json->{total}, map { $_->{fileName} } @{ $r->json->{list} });
}

sub rows ($from) { return $p->sql("SELECT COUNT(*) AS n FROM $from")->[0]{n} }

# Registering.
my $r = register(\@ann, fileName => '报告.pdf');
is $r->code, 200, 'a document is registered';
my $d = $r->json->{document};
is_deeply [sort keys %{ $r->json }], ['document'], 'and told';
like $d->{id}, qr/^[1-9]\d*$/, 'its id';
like $r->body, qr/"id":$d->{id}\b/, 'is a number';
cmp_ok abs($d->{createdAt} - 1000 * time), '<', 60000, 'its time, in milliseconds';
is_deeply { map { $_ => $d->{$_} } qw(fileName url size status segments) },
    { fileName => '报告.pdf', url => 'http://files.invalid/a.pdf', size => 3, status => 'pending',
	segments => 0 }, 'what was said of it';
ok !exists $d->{error}, 'no error while there is none';
is $d->{author}{name}, '安', 'whose it is';
my $again = register(\@ann, fileName => '报告.pdf')->json->{document};
isnt $again->{id}, $d->{id}, 'the same address again is another document';
is_deeply $p->get("/v1/chat/document/$d->{id}", @ann)->json->{document}{fileName}, '报告.pdf',
    'it is there';
is register(\@ann, size => undef)->json->{document}{size}, 0, 'the size may be unknown';

# Addresses.
for my $url ('http://x.invalid', 'https://x.invalid:8443/a?b=c#d', 'HTTP://X.invalid/路径.txt',
    'http://[::1]/', 'http://[::1]:80/a', 'http://1.2.3.4/') {
	is register(\@ann, url => $url)->code, 200, $url;
}
for my $url ('ftp://x.invalid/a', 'file:///etc/passwd', 'javascript:alert(1)', 'x.invalid/a.pdf',
    'http://', 'http://:80/', 'http://u:p@x.invalid/',
    'http://x.invalid:65536/', 'http://x.invalid:a/', 'http://a b/',
    "http://x.invalid/\x01", "http://x.invalid/a\nb", 'http://[::1/', 'http://[::1]x/', '/a', '',
    'http:\\\\x.invalid\\a', 'http://x.invalid\\@y.invalid/') {
	chat_refused register(\@ann, url => $url), 400, qr/url/, 'not ' . $url =~ s/\n/\\n/r;
}
chat_refused register(\@ann, url => 'http://x.invalid/' . 'a' x 2048), 400, qr/url/, 'a long one';
chat_refused register(\@ann, url => undef), 400, qr/url/, 'none';
chat_refused register(\@ann, url => 7), 400, qr/url/, 'a number';
chat_refused register(\@ann, fileName => undef), 400, qr/fileName/, 'no name';
chat_refused register(\@ann, fileName => ''), 400, qr/fileName/, 'an empty name';
chat_refused register(\@ann, fileName => 'a' x 256), 400, qr/fileName/, 'a long name';
chat_refused register(\@ann, fileName => $_), 400, qr/fileName/, 'a name of nothing' for ' ',
    "\x01\n", 'a/', "\x{202e}";
my %cleaned = ("a\nb.txt" => 'ab.txt', '../../etc/passwd.txt' => 'passwd.txt',
    'C:\dir\notes.txt' => 'notes.txt', "f\x{202e}exe.txt" => 'fexe.txt',
    "\x{200f}r\x{2067}\x{61c}l.md " => 'rl.md', '季度 报告' => '季度 报告', 'v1.2' => 'v1.2');
for my $name (sort keys %cleaned) {
	my $one = register(\@ann, fileName => $name)->json->{document};
	is $one->{fileName}, $cleaned{$name}, "cleaned: $cleaned{$name}";
	my $two = $p->post('/v1/chat/document/batch_save', @ann, json => { documents => [
	    { fileName => $name, url => 'http://x.invalid/' }] })->json->{documents}[0];
	is $two->{fileName}, $cleaned{$name}, 'of several too';
	chat_done $p->post('/v1/chat/document/rename', @ann, json => { id => $one->{id},
	    name => "x/$name" }), 'a new name';
	is $p->get("/v1/chat/document/$one->{id}", @ann)->json->{document}{fileName},
	    $cleaned{$name}, 'is cleaned';
}
chat_refused register(\@ann, fileName => $_), 415, qr/\Q$_/, "not taken: $_"
    for 'f.exe', 'a.ZIP', '片.mp4';
chat_refused register(\@ann, size => -1), 400, qr/size/, 'less than nothing';
chat_refused register(\@ann, size => '3'), 400, qr/size/, 'a size in words';
chat_refused register(\@ann, size => 1e300), 400, qr/./, 'a size that is none';

# Why one failed is told in the language of who asks.
$p->sql('DELETE FROM job WHERE ref = ?', $again->{id});
$p->sql("UPDATE document SET status = 'failed', error = ? WHERE id = ?", 'STATUS 404',
    $again->{id});
for (['en', "its server answered with status 404"], ['zh-CN', '其服务器返回状态 404']) {
	my ($language, $error) = @$_;
	my @who = (user => undef, headers => { %{ $ann[3] }, 'Accept-Language' => $language });
	is $p->get("/v1/chat/document/$again->{id}", @who)->json->{document}{error}, $error,
	    "the reason, $language";
	my ($listed) = grep { $_->{id} == $again->{id} }
	    @{ $p->post('/v1/chat/document/search', @who, json => { size => 200 })->json->{list} };
	is $listed->{error}, $error, 'also in a list';
}

# Several at once.
my $before = rows('document');
$r = $p->post('/v1/chat/document/batch_save', @bob, json => { documents => [
    map { { fileName => "b$_.txt", url => "http://x.invalid/$_", size => $_ } } 1 .. 3] });
is_deeply [map { [@$_{qw(fileName size status)}] } @{ $r->json->{documents} }],
    [map { ["b$_.txt", $_, 'pending'] } 1 .. 3], 'several';
is rows('document'), $before + 3, 'are there';
is_deeply [found(\@bob)], [3, 'b3.txt', 'b2.txt', 'b1.txt'], 'newest first';
$before = rows('document');
chat_refused $p->post('/v1/chat/document/batch_save', @bob, json => { documents => [
    { fileName => 'a', url => 'http://x.invalid/' }, { fileName => 'b', url => 'x' }] }), 400,
    qr/documents\[1\]\.url/, 'one of them is bad';
chat_refused $p->post('/v1/chat/document/batch_save', @bob, json => { documents => [
    map { { fileName => 'a', url => 'http://x.invalid/' } } 1 .. 101] }), 400, qr/documents/,
    'too many';
chat_refused $p->post('/v1/chat/document/batch_save', @bob, json => { documents => [] }), 400,
    qr/documents/, 'none';
chat_refused $p->post('/v1/chat/document/batch_save', @bob, json => {}), 400, qr/documents/,
    'not even a list';
is rows('document'), $before, 'then none is added';
is rows('job WHERE ref NOT IN (SELECT id FROM document)'), 0, 'nor any work';

# Finding.
my @eve = login($p, 'eve');
register(\@eve, fileName => $_) for '年度报告.pdf', '100%.pdf', 'a_b.pdf', 'Summary.PDF';
is_deeply [found(\@eve, fileName => '报告')], [1, '年度报告.pdf'], 'Chinese';
is_deeply [found(\@eve, fileName => '%')], [1, '100%.pdf'], '%';
is_deeply [found(\@eve, fileName => '_')], [1, 'a_b.pdf'], '_';
is_deeply [found(\@eve, fileName => '\\')], [0], '\\';
is_deeply [found(\@eve, fileName => 'sUMM')], [1, 'Summary.PDF'], 'in whatever case';
is_deeply [found(\@eve, fileName => 'nothing')], [0], 'nothing';
is_deeply [found(\@eve, page => 2, size => 2)], [4, '100%.pdf', '年度报告.pdf'], 'a page';
is_deeply [found(\@eve, page => 4, size => 2)], [4], 'behind the last';
is_deeply [found([login($p, 'new')])], [0], 'who has none';
chat_refused $p->post('/v1/chat/document/search', @eve, json => $_->[0]), 400, $_->[1], $_->[2]
    for [{ page => -1 }, qr/page/, 'page -1'], [{ size => 201 }, qr/size/, '201 on a page'],
    [{ size => 'x' }, qr/size/, 'x on a page'];

# Renaming.
chat_done $p->post('/v1/chat/document/rename', @ann, json => { id => $d->{id}, name => '新.pdf' }),
    'renamed';
is $p->get("/v1/chat/document/$d->{id}", @ann)->json->{document}{fileName}, '新.pdf', 'it is';
chat_refused $p->post('/v1/chat/document/rename', @ann, json => { id => $d->{id}, name => '' }),
    400, qr/name/, 'no name';
chat_refused $p->post('/v1/chat/document/rename', @ann, json => { id => $d->{id},
    name => "/\x01" }), 400, qr/name/, 'a name of nothing';
chat_refused $p->post('/v1/chat/document/rename', @ann, json => { id => "$d->{id}", name => 'x' }),
    400, qr/id/, 'an id in words';

# In conversations.
my $chat = new_chat($p, \@ann, module => 2, type => 'spark_documents_chat',
    documentIds => [$d->{id}]);
sub holds ($name, @ids) {
	my $got = $p->get("/v1/chat/session/$chat->{id}", @ann)->json;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_deeply [sort map { $_->{id} } @{ $got->{documents} }], [sort @ids], $name;
}
sub files ($verb, $who, $id, @ids) {
	return $p->post("/v1/chat/session/${verb}_files", @$who,
	    json => { id => $id, documentIds => \@ids });
}
my $his = register(\@bob)->json->{document}{id};
holds('a conversation with one', $d->{id});
chat_done files(add => \@ann, $chat->{id}, $again->{id}), 'another one';
holds('is there', $d->{id}, $again->{id});
chat_done files(add => \@ann, $chat->{id}, $again->{id}, $again->{id}), 'once more';
holds('makes no difference', $d->{id}, $again->{id});
chat_done files(remove => \@ann, $chat->{id}, $again->{id}), 'out again';
holds('is out', $d->{id});
chat_done files(remove => \@ann, $chat->{id}, $again->{id}), 'what is out';
for my $verb (qw(add remove)) {
	chat_refused files($verb, \@ann, $chat->{id}, $again->{id}, $his), 404, qr/document $his/,
	    "$verb: a stranger's";
	chat_refused files($verb, \@ann, $chat->{id}, $ANY), 404, qr/document $ANY/,
	    "$verb: nobody's";
	chat_refused files($verb, \@bob, $chat->{id}, $his), 404, qr/session $chat->{id}/,
	    "$verb: in a stranger's conversation";
	chat_refused files($verb, \@ann, $ANY, $d->{id}), 404, qr/session $ANY/, "$verb: in none";
	chat_refused files($verb, \@ann, $chat->{id}), 400, qr/documentIds/, "$verb: nothing";
	chat_refused $p->post("/v1/chat/session/${verb}_files", @ann, json => { id => $chat->{id},
	    documentIds => ["$d->{id}"] }), 400, qr/documentIds/, "$verb: ids in words";
	holds('nothing has changed', $d->{id});
}

# Strangers, and ids that are none.
for my $who (\@bob, \@eve) {
	chat_refused $p->get("/v1/chat/document/$d->{id}", @$who), 404, qr/$d->{id}/, 'to see';
	chat_refused $p->post('/v1/chat/document/rename', @$who, json => { id => $d->{id},
	    name => 'x' }), 404, qr/$d->{id}/, 'to rename';
	chat_refused $p->del("/v1/chat/document/$d->{id}", @$who), 404, qr/$d->{id}/, 'to delete';
	chat_refused $p->get("/v1/chat/document/$d->{id}/file", @$who), 404, qr/$d->{id}/,
	    'to load';
}
for my $id ('0', '-1', '01', 'x', '9' x 30, '1.0', '%F0%9F%98%80') {
	chat_refused $p->get("/v1/chat/document/$id", @ann), 404, qr/document/, "id $id";
	chat_refused $p->del("/v1/chat/document/$id", @ann), 404, qr/document/, "to delete $id";
}
chat_refused $p->get("/v1/chat/document/$d->{id}/file", @ann), 404, qr/file of document $d->{id}/,
    'what was not fetched cannot be loaded';

# Deleting leaves nothing behind.
$p->sql('INSERT INTO segment VALUES (?, 0, ?, 1)', $d->{id}, 't');
$p->sql('INSERT INTO segment_posting VALUES (?, 1, 0, 1)', $d->{id});
$p->sql('INSERT INTO document_part VALUES (?, 0, ?)', $d->{id}, 'x');
chat_done $p->del("/v1/chat/document/$d->{id}", @ann), 'deleted';
is rows("$_ = $d->{id}"), 0, "gone from $_" for 'document WHERE id', 'job WHERE ref',
    map { "$_ WHERE document" } qw(document_part segment segment_posting session_document
    dataset_document);
holds('gone from its conversation');
chat_refused $p->get("/v1/chat/document/$d->{id}", @ann), 404, qr/$d->{id}/, 'gone';
chat_refused $p->del("/v1/chat/document/$d->{id}", @ann), 404, qr/$d->{id}/, 'only once';

# What was cited of it goes, too; of others it stays.
my $cited = register(\@ann)->json->{document}{id};
an_answer($p, $chat->{id}, text => 'A', citations => [
    qq({"documentId":$cited,"fileName":"a.pdf","segment":0,"text":"原文","score":1}),
    qq({"documentId":$his,"fileName":"b.pdf","segment":0,"text":"别的","score":1}),
    qq({"documentId":"$cited","text":"x"}), '{"documentId":[1],"text":"y"}',
    '{"documentId":123456789012345678901234567890,"text":"z"}']);
chat_done $p->del("/v1/chat/document/$cited", @ann), 'a cited document is deleted';
is_deeply [map { $_->{text} } @{ $p->get("/v1/chat/session/$chat->{id}", @ann)->json
    ->{records}[0]{citations} }], [qw(别的 x y z)], 'what was cited of it is gone';

# Without a token.
for my $row ([GET => '/1'], [DELETE => '/1'], [GET => '/1/file'], map { [POST => $_] } '',
    qw(/batch_save /rename /search /upload)) {
	chat_refused $p->request($row->[0], "/v1/chat/document$row->[1]",
	    $row->[0] eq 'POST' ? (json => {}) : ()), 401, qr/token/, "@$row: without a token";
}
$p->no_errors_logged;
done_testing;
