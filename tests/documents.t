#!/usr/bin/perl
# Documents are read in the background: imported and fetched ones, what is not taken and why, files
# made to do harm, and the jobs process, its master and the database killed in the middle.

use v5.36;
use utf8;

use Encode           qw(encode encode_utf8);
use IO::Compress::Zip qw($ZipError zip);
use IO::Socket::INET;
use Mojo::File       qw(path tempdir);
use Mojo::JSON       qw(decode_json);
use ParleyTest;
use ParleyTest::Process;
use Test::More;
use Time::HiRes      qw(sleep time);

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $p = ParleyTest->new(models => 0, workers => 1,
    set => { fetch_allow => 'localhost', jobs => 1 });
my $files = tempdir;
my $owner = 0;

sub file ($name, $bytes) {
	my $file = $files->child($name);
	$file->dirname->make_path;
	ParleyTest::Process::spew("$file", $bytes);
	return "$file";
}

sub parley (@args) {
	my ($exit, @words) = $p->parley(@args);
	utf8::decode($_) for @words;
	return ($exit, @words);
}

sub import_documents (@args) {
	return parley('import', 'documents', '--user', 'reader', @args);
}

sub document ($name) {
	my ($row) = @{ $p->sql('SELECT id, type, status, error, segments, size FROM document'
	    . ' WHERE file_name = ? ORDER BY id DESC LIMIT 1', $name) };
	return $row;
}

sub text_of ($name) {
	return join "\n\n", map { $_->{text} } @{ $p->sql('SELECT s.text FROM segment s'
	    . ' JOIN document d ON d.id = s.document WHERE d.file_name = ? ORDER BY s.n', $name) };
}

sub jobs () { return @{ $p->sql('SELECT * FROM job') } }

# A document that has only an address, as the API stores it; nobody is told.
sub by_address ($name, $url) {
	state $id = 1000;
	$id++;
	$owner ||= $p->sql('SELECT id FROM user WHERE subject = ?', 'reader')->[0]{id};
	$p->sql('INSERT INTO document (id, tenant, owner, file_name, type, media_type, url, size,'
	    . " status, created_ms) VALUES (?, 1, ?, ?, 'html', 'text/html', ?, 0, 'pending', 0)",
	    $id, $owner, $name, $url);
	$p->sql("INSERT INTO job (id, kind, ref, created_ms) VALUES (?, 'read', ?, 0)", $id, $id);
	return $id;
}

sub ends ($name, $how, $why, $seconds = 20) {
	my $row;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$p->eventually("$name: $how", sub {
		$row = document($name);
		return $row && $row->{status} eq $how;
	}, $seconds) or diag explain [$row, jobs()];
	like $row->{error} // '', $why, "$name: the reason";
	return;
}

sub jobs_pid () { return $p->pids->{jobs}[0] // 0 }
sub leader ($part) { return (split ' ', ParleyTest::Process::slurp("$p->{stack}/pid/$part"))[0] }

# --- a server of files

my $visits = $files->child('visits');
ParleyTest::Process::spew("$visits", '');
my $hold = $files->child('hold');		# while it is there, /held does not answer
my $server = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', ReuseAddr => 1)
    or die "no server: $@";
my $port = $server->sockport;

sub answer ($client) {
	my $head = '';
	while (my $line = <$client>) { $head .= $line; last if $line =~ /\A\r?\n\z/ }
	my ($path) = $head =~ m{\AGET (\S+)} or return;
	$visits->open('>>')->syswrite("$path\n");
	my %page = (
		'/page'   => ['text/html', '<title>Page</title><p>fetched 页面'],
		'/held'   => ['text/plain', 'held back, then told'],
		'/bytes'  => ['application/octet-stream', "\0\1\2\3" x 100],
		'/readme' => ['text/plain; charset=utf-8', "plain words\n"],
	);
	if ($path eq '/held') { sleep 0.05 while -e $hold }
	if ($path eq '/away') {
		print $client "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:$port/page\r\n"
		    . "Content-Length: 0\r\nConnection: close\r\n\r\n";
	} elsif (my $page = $page{$path}) {
		my $body = utf8::is_utf8($page->[1]) ? encode_utf8($page->[1]) : $page->[1];
		print $client "HTTP/1.1 200 OK\r\nContent-Type: $page->[0]\r\nContent-Length: "
		    . length($body) . "\r\nConnection: close\r\n\r\n$body";
	} else {
		print $client "HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	}
	return;
}

my $server_pid = fork // die "fork: $!";
if ($server_pid == 0) {
	$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
	$SIG{CHLD} = $SIG{PIPE} = 'IGNORE';
	while (1) {
		my $client = $server->accept or next;
		if ((fork // next) == 0) {
			answer($client);
			close $client;
			POSIX::_exit(0);
		}
		close $client;
	}
}
close $server;
END { kill KILL => $server_pid if $server_pid }

sub visited ($path) { return scalar grep { $_ eq $path } split /\n/, $visits->slurp }

# --- what is read

my $docx_xml = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    . '<w:body><w:p><w:r><w:t>%s</w:t></w:r></w:p></w:body></w:document>';

sub docx ($xml) {
	my $out;
	zip(\encode_utf8($xml), \$out, Name => 'word/document.xml') or die $ZipError;
	return $out;
}

subtest 'an import' => sub {
	my $dir = $files->child('good');
	file('good/words.txt', encode_utf8("第一段。\n\nSecond paragraph.\n"));
	file('good/old.txt', encode('GBK', '国标编码的文本'));
	file('good/deep/notes.md', "# Notes\n\nof the day\n");
	file('good/page.html', '<title>T</title><p>shown<script>hidden</script>');
	file('good/letter.docx', docx(sprintf $docx_xml, '信的内容'));
	file('good/.hidden.txt', 'not seen');
	my ($exit, $out, $err) = import_documents('--dataset', '手册', '--wait', "$dir");
	is "$exit $err", '0 ', 'done' or diag $out;
	is $out, "5 documents added\n", 'five';
	for my $name (qw(words.txt old.txt notes.md page.html letter.docx)) {
		my $row = document($name);
		ok $row->{status} eq 'ready' && $row->{segments} > 0, "$name is ready";
	}
	like text_of('words.txt'), qr/第一段。.*Second paragraph\./s, 'text';
	is text_of('old.txt'), '国标编码的文本', 'GB18030';
	like text_of('page.html'), qr/T.*shown/s, 'HTML';
	unlike text_of('page.html'), qr/hidden/, 'without scripts';
	is text_of('letter.docx'), '信的内容', 'DOCX';
	is $p->sql('SELECT COUNT(*) AS n FROM dataset_document m JOIN dataset d ON d.id = m.dataset'
	    . ' WHERE d.name = ?', '手册')->[0]{n}, 5, 'in the dataset';
	is_deeply [jobs()], [], 'nothing is left to do';

	my $id = document('words.txt')->{id};
	file('good/words.txt', 'other words');
	($exit, $out) = import_documents('--dataset', '手册', '--wait', "$dir");
	is "$exit $out", "0 0 documents added, 1 changed, 4 were there already\n", 'once more';
	is document('words.txt')->{id}, $id, 'what has changed is the same document';
	is document('words.txt')->{status}, 'ready', 'read again';
	is document('words.txt')->{size}, length 'other words', 'of another size';
	is text_of('words.txt'), 'other words', 'and text, none of the old';

	file('good/deep/words.txt', 'deep words');
	($exit, $out) = import_documents('--dataset', '手册', '--wait', "$dir");
	is "$exit $out", "0 1 document added, 5 were there already\n",
	    'of the same name, elsewhere';
	file('good/words.txt', 'words once more');
	file('good/deep/words.txt', 'other words');
	($exit, $out) = import_documents('--dataset', '手册', '--wait', "$dir");
	is "$exit $out", "0 0 documents added, 1 changed, 5 were there already\n",
	    'one was moved, the other has changed';
	is_deeply [sort split /\n+/, text_of('words.txt')], ['other words', 'words once more'],
	    'both are there';
	($exit, $out) = import_documents('--wait', file('aside/notes.md', 'other notes'));
	is "$exit $out", "0 1 document added\n", 'without the dataset nothing is replaced';
	$p->sql('DELETE FROM document WHERE id = ?', document('notes.md')->{id});
	is $p->sql('SELECT COUNT(*) AS n FROM dataset')->[0]{n}, 1, 'one dataset';
};

subtest 'once more, as a migration has it' => sub {
	my $id = document('letter.docx')->{id};
	my $bad = document('notes.md')->{id};
	$p->sql('DELETE FROM segment_posting WHERE document = ?', $id);
	$p->sql('UPDATE document_part SET body = ? WHERE document = ?', '', $bad);
	$p->sql("INSERT INTO job (id, kind, ref, created_ms) VALUES (?, 'index', ?, 0)", $_, $_)
	    for $id, $bad;
	$p->eventually('its text is indexed', sub {
		return !jobs() && $p->sql('SELECT COUNT(*) AS n FROM segment_posting'
		    . ' WHERE document = ?', $id)->[0]{n} > 0;
	});
	is text_of('letter.docx'), '信的内容', 'the same';
	is document('notes.md')->{status}, 'ready', 'what cannot be read now stays as it was';
	is text_of('notes.md'), "# Notes\n\nof the day", 'with its text';
};

subtest 'what an import refuses' => sub {
	my ($exit, $out, $err) = import_documents(file('bad/x.exe', 'MZ'),
	    file('bad/fake.pdf', 'no PDF'), file('bad/../fine.txt', 'fine'), "$files/nowhere.txt");
	is $exit, 65, 'some failed';
	like $err, qr{^\S+/bad/x\.exe: files of its type}m, 'another type';
	like $err, qr{^\S+/fake\.pdf: }m, 'a wrong extension';
	like $err, qr{^\S+/nowhere\.txt: No such file}m, 'a file that is not there';
	is $out, "1 document added, 3 failed\n", 'the others are taken';
	($exit, $out, $err) = import_documents('--tenant', 'nobody', "$files/fine.txt");
	is $exit, 66, 'no such tenant';
	like $err, qr/\Aparley: import documents: there is no tenant nobody\n\z/, 'says so';
	is +(parley('import', 'documents', "$files/fine.txt"))[0], 64, 'whose?';
};

# --- files made to do harm

my $pdf = "%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n%s\n"
    . "trailer<</Root 1 0 R/Size 9>>\n%%%%EOF\n";
my %hostile = (
	'empty.txt'   => ['', 'EMPTY', qr/no text/],
	'blank.md'    => [" \n\t\n", 'EMPTY', qr/no text/],
	'junk.txt'    => ["\x01\x02\x03\xff\xfe\xfd\x80" x 50, 'BINARY',
	    qr/not a text in UTF-8/],
	'long.txt'    => ['a' x 1_000_001, 'LONG', qr/more than 1,000,000/],
	'bomb.docx'   => [docx('<a>' . ('<b/>' . ' ' x 996) x 140_000 . '</a>'), 'BOMB',
	    qr/unpacks to too much/],
	'xxe.docx'    => [docx('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
	    . sprintf $docx_xml, '&e;'), 'DOCTYPE', qr/document type/],
	'laughs.docx' => [docx('<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;&a;&a;">]>'
	    . sprintf $docx_xml, '&b;'), 'DOCTYPE|NOT_DOCX', qr/document type|not a DOCX/],
	'other.docx'  => [do { zip(\'x', \my $z, Name => '../../../tmp/pt-escaped'); $z },
	    'NOT_DOCX', qr/not a DOCX/],
	'broken.pdf'  => ["%PDF-1.7\ngarbage", 'NOT_PDF', qr/not a PDF/],
	'loop.pdf'    => [sprintf($pdf, '2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9>>endobj'),
	    'EMPTY|NOT_PDF|SLOW', qr/no text|not a PDF|too long/],
);

subtest 'files made to do harm' => sub {
	my $canary = file('canary', 'sings');
	my %before = %{ $p->pids };
	my ($exit, $out, $err) = import_documents('--wait',
	    map { file("hostile/$_", $hostile{$_}[0]) } sort keys %hostile);
	is $exit, 65, 'all of them fail' or diag $out, $err;
	for my $name (sort keys %hostile) {
		my $row = document($name);
		is $row->{status}, 'failed', "$name has failed";
		like $row->{error}, qr/^(?:$hostile{$name}[1])$/, "$name: the reason";
		my ($told) = $err =~ m{^\S+/\Q$name\E: (.*)$}m;
		like $told, $hostile{$name}[2], "$name: is told";
	}
	is $out, "0 documents added, 10 failed\n", 'none counts as added';
	my $all = sub { $p->sql('SELECT COUNT(*) AS n FROM document')->[0]{n} };
	my $before = $all->();
	$p->sql('UPDATE document SET error = ? WHERE file_name = ?', 'NO_ROOM', 'long.txt');
	$p->sql('UPDATE document SET error = ? WHERE file_name = ?', 'NO_ROOM', 'junk.txt');
	($exit, $out) = import_documents(map { "$files/hostile/$_" } qw(junk.txt long.txt));
	is "$exit $out", "0 0 documents added, 2 are read again\n", 'once more';
	ends($_->[0], 'failed', qr/^$_->[1]$/) for ['junk.txt', 'BINARY'], ['long.txt', 'LONG'];
	($exit, $out, $err) = import_documents('--wait', "$files/hostile/long.txt");
	is "$exit $out", "65 0 documents added, 1 failed\n", 'and once more, to its end';
	is $all->(), $before, 'in their places';
	is path($canary)->slurp, 'sings', 'nothing was changed';
	ok !-e '/tmp/pt-escaped', 'nothing was written elsewhere';
	is_deeply $p->pids, \%before, 'all processes live';
	is $p->get('/healthz')->code, 200, 'and serve';
	is_deeply [jobs()], [], 'nothing is left to do';
};

# --- by address

subtest 'fetched' => sub {
	by_address('page', "http://localhost:$port/page");
	by_address('README.md', "http://localhost:$port/readme");
	by_address('bytes', "http://localhost:$port/bytes");
	by_address('none', "http://localhost:$port/none");
	by_address('private', "http://127.0.0.1:$port/page");
	by_address('away', "http://localhost:$port/away");
	by_address('metadata', 'http://169.254.169.254/latest');
	by_address('scheme', 'file:///etc/passwd');
	by_address('nowhere', 'http://no..such.host/');
	ends('page', 'ready', qr/^$/);
	is text_of('page'), "Page\n\nfetched 页面", 'its text';
	is document('page')->{size}, length('<title>Page</title><p>fetched ') + 6, 'size';
	is document('page')->{type}, 'html', 'HTML';
	ends('README.md', 'ready', qr/^$/);
	is document('README.md')->{type}, 'md', 'by its name';
	ends('bytes', 'failed', qr/^UNKNOWN$/);
	ends('none', 'failed', qr/^STATUS 404$/);
	ends('private', 'failed', qr/^NOT_PUBLIC$/);
	ends('away', 'failed', qr/^NOT_PUBLIC$/);
	ends('metadata', 'failed', qr/^NOT_PUBLIC$/);
	ends('scheme', 'failed', qr/^NOT_WEB$/);
	ends('nowhere', 'failed', qr/^NO_HOST$/);
	is visited('/page'), 1, 'what was refused was not asked';
};

subtest 'a certificate that nobody vouches for' => sub {
	my $tls = ParleyTest::Process::free_port();
	my ($key, $cert) = map { "$files/tls.$_" } qw(key crt);
	my ($exit) = ParleyTest::Process::capture(['openssl', 'req', '-x509', '-newkey', 'rsa:2048',
	    '-nodes', '-subj', '/CN=localhost', '-days', '1', '-keyout', $key, '-out', $cert]);
	is $exit, 0, 'made';
	my $pid = ParleyTest::Process::start(['openssl', 's_server', '-accept', "127.0.0.1:$tls",
	    '-key', $key, '-cert', $cert, '-www', '-quiet']);
	$p->eventually('it is offered', sub {
		return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $tls);
	});
	by_address('forged', "https://localhost:$tls/");
	ends('forged', 'failed', qr/^CERTIFICATE$/);
	ParleyTest::Process::stop($pid);
};

subtest 'put off' => sub {
	my $dead = ParleyTest::Process::free_port();
	my $id = by_address('dead', "http://localhost:$dead/");
	my $job;
	$p->eventually('it waits for another time', sub {
		($job) = jobs();
		return $job && $job->{tries} == 1 && $job->{holder} == 0;
	});
	is document('dead')->{status}, 'pending', 'pending';
	like +(parley('show', 'jobs'))[1], qr/\bread\b.*\bdead\b.*\bput off\b/, 'parley show jobs';
	my $shown = decode_json((parley('show', 'jobs', '--json'))[1]);
	is_deeply [map { @$_{qw(kind ref about state tries)} } @$shown],
	    ['read', "$id", 'dead', 'put off', 1], 'as JSON';
	for my $try (2 .. 3) {
		$p->sql('UPDATE job SET until_ms = 0');
		$p->eventually("attempt $try", sub {
			($job) = jobs();
			return !$job || $job->{tries} == $try && $job->{holder} == 0;
		});
	}
	ends('dead', 'failed', qr/^NO_SERVER$/);
	is $job, undef, 'the third is the last';
	is_deeply [jobs()], [], 'it is given up';
	is +(parley('show', 'jobs'))[1] =~ s/^JOB.*\n//r, "nothing waits\n", 'nothing waits';
};

# --- broken off

my $LEASE_MS = 15_000;		# so long a claim outlives who made it

# Does so in the middle of a fetch, which then ends well.
sub survives ($name, $do, $tries) {
	my $before = visited('/held');
	ParleyTest::Process::spew("$hold", '');
	by_address($name, "http://localhost:$port/held");
	$p->eventually('it is being fetched', sub { visited('/held') > $before });
	$do->();
	my ($job) = jobs();
	unlink "$hold";
	ends($name, 'ready', qr/^$/, 60);
	cmp_ok visited('/held') - $before, '<=', $tries, 'not more often than need be';
	is text_of($name), 'held back, then told', 'once';
	is_deeply [jobs()], [], 'nothing is left to do';
	return $job;
}

subtest 'the jobs process is killed' => sub {
	survives('killed', sub {
		my $pid = jobs_pid();
		kill KILL => $pid;
		$p->eventually('another one starts', sub { jobs_pid() && jobs_pid() != $pid });
		my ($job) = jobs();
		cmp_ok $job->{until_ms}, '<=', 1000 * time + $LEASE_MS, 'its claim will run out';
		# As if so much time had gone by.
		$p->sql("UPDATE job SET until_ms = until_ms - $LEASE_MS");
	}, 2);
};

subtest 'told to leave' => sub {
	my $job = survives('ended', sub {
		my $pid = jobs_pid();
		kill TERM => $pid;
		$p->eventually('it leaves at once', sub { !-d "/proc/$pid" });
	}, 2);
	ok !$job || $job->{lost} == 0, 'and has given its job back' or diag explain $job;
};

subtest 'reload' => sub {
	survives('reloaded', sub {
		my $pid = jobs_pid();
		kill HUP => $p->pids->{master};
		$p->eventually('a new one comes', sub {
			return scalar grep { $_ != $pid } @{ $p->pids->{jobs} };
		});
		ok -d "/proc/$pid", 'the old one ends its job first';
	}, 1);
	$p->eventually('then it leaves', sub { @{ $p->pids->{jobs} } == 1 });
};

subtest 'the master is killed' => sub {
	survives('orphaned', sub {
		my %pids = %{ $p->pids };
		kill KILL => $pids{master};
		$p->eventually('all leave', sub {
			return !grep { -d "/proc/$_" } @{ $pids{workers} }, @{ $pids{jobs} };
		}, 30);
		$p->up;
	}, 2);
};

subtest 'the database is killed' => sub {
	survives('cut off', sub {
		kill KILL => leader('db');
		$p->eventually('it is away', sub { !eval { $p->sql('SELECT 1') } });
		$p->up;
		$p->eventually('it is back', sub { eval { $p->sql('SELECT 1') } }, 40);
	}, 3);
};

# Whoever begins it dies.
subtest 'poison' => sub {
	ParleyTest::Process::spew("$hold", '');
	my $before = visited('/held');
	by_address('poison', "http://localhost:$port/held");
	for my $n (1 .. 3) {
		$p->eventually("begun: $n", sub { visited('/held') == $before + $n }, 30);
		my $pid = jobs_pid();
		kill KILL => $pid;
		$p->eventually('dead', sub { !-d "/proc/$pid" });
		$p->sql('UPDATE job SET until_ms = 0');
	}
	ends('poison', 'failed', qr/^BROKE_OFF$/, 30);
	unlink "$hold";
	is visited('/held'), $before + 3, 'not a fourth time';
};

subtest 'deleted in the middle' => sub {
	ParleyTest::Process::spew("$hold", '');
	my $before = visited('/held');
	my $id = by_address('deleted', "http://localhost:$port/held");
	$p->eventually('it is being fetched', sub { visited('/held') > $before });
	$p->sql('DELETE FROM job');
	$p->sql('DELETE FROM document WHERE id = ?', $id);
	unlink "$hold";
	by_address('next', "http://localhost:$port/readme");
	ends('next', 'ready', qr/^$/, 30);
	is document('deleted'), undef, 'it is gone';
};

like $p->get('/metrics')->body, qr/^parley_jobs_total\{kind="read",end="done"\} [1-9]/m, 'figures';

my $error = qr/"a jobs process (?:died|ended)"|"a worker (?:died|ended)"/;
$p->no_errors_logged('no other errors in the logs', allow => [$error]);
done_testing;
