package Bench::Sides;

# What is compared: L, nginx straight to the upstream; H, PHP-FPM; P, Parley. One nginx stands
# before all three. E is H for short requests without kept connections to it.

use strict;
use warnings;

use Cwd ();
use File::Path qw(make_path);
use File::Temp ();
use HTTP::Tiny;
use JSON::PP;
use Time::HiRes qw(sleep);

use Bench::Proc qw(family free_port job load spawn within);

my $USERS = 50;    # who own P's sessions

# Bench::Sides->new(top, build, dir, sides => {L => 1…}, streams => most streams of H at once,
# settings => [name=value…] of P, base => path of the upstream's API, model => more options of
# `parley model add`)
sub new {
    my ($class, %arg) = @_;
    my $self = bless {%arg, pids => {}}, $class;

    make_path("$self->{dir}/tmp");
    # A unix socket's path has at most 107 bytes.
    $self->{temp} = File::Temp->newdir('parley-bench-XXXXXX', TMPDIR => 1);
    $self->{run}  = $self->{temp}->dirname;
    return $self;
}

sub start {
    my ($self) = @_;

    $self->{upstream_port} = free_port();
    $self->{pids}{upstream} = spawn(
        "$self->{dir}/upstream.log",
        "$self->{build}/bench/upstream",
        $self->{upstream_port}
    );
    within(5, 'upstream', sub { eval { $self->upstream_stats } });
    @$self{qw(p_socket db_socket db_user db_name)} = ("$self->{run}/none.sock", '', '', '');
    $self->start_parley if $self->{sides}{P};
    $self->start_php    if $self->{sides}{H};
    $self->start_nginx;
    $self->make_users if $self->{sides}{P};
}

sub stop {
    my ($self) = @_;

    Bench::Proc::end_all();
    return unless $self->{stack_up};
    eval { job("$self->{top}/scripts/stack", 'down', '--dir', "$self->{dir}/parley"); 1 }
        or warn $@;
}

# A template's @words@ are fields of ours.
sub fill {
    my ($self, $name, %more) = @_;
    my %word = (%$self, %more);

    open my $in, '<', "$self->{top}/bench/$name.in" or die "$name.in: $!\n";
    my $text = do { local $/ = undef; <$in> };
    $text =~ s/\@(\w+)\@/$word{$1} \/\/ die "$name.in: nothing for $1\n"/ge;
    open my $out, '>', "$self->{dir}/$name" or die "$self->{dir}/$name: $!\n";
    print $out $text;
    close $out or die "$self->{dir}/$name: $!\n";
    return "$self->{dir}/$name";
}

sub start_nginx {
    my ($self) = @_;
    my $files = job('bash', '-c', 'ulimit -Hn');

    chomp $files;
    $files = 65536 if $files eq 'unlimited' || $files > 65536;
    $self->{lc "${_}_port"} = free_port() for qw(L H E P);
    my $conf = $self->fill(
        'nginx.conf',
        nofile      => $files,
        connections => $files - 64,
        user        => $> == 0 ? 'user root;' : ''
    );
    $self->{pids}{nginx} =
        spawn("$self->{dir}/nginx.log", 'nginx', '-p', "$self->{dir}/", '-c', $conf, '-e',
        "$self->{dir}/nginx.log");
    within(
        10,
        "nginx (see $self->{dir}/nginx.log)",
        sub { HTTP::Tiny->new->get("http://127.0.0.1:$self->{l_port}/healthz")->{success} }
    );
}

sub start_php {
    my ($self) = @_;
    my ($php) = grep { -x } glob '/usr/sbin/php-fpm*' or die "php-fpm is not here\n";
    my $conf = $self->fill(
        'php-fpm.conf',
        php_streams => $self->{streams},
        php_user    => $> == 0 ? 'user = root' : ''
    );

    $self->{pids}{php} =
        spawn("$self->{dir}/php-fpm.log", $php, '-F', '-y', $conf, $> == 0 ? '-R' : ());
    within(
        30,
        "php-fpm (see $self->{dir}/php-fpm.log)",
        sub { -S "$self->{run}/php-stream.sock" && family($self->{pids}{php}) > $self->{streams} }
    );
}

sub start_parley {
    my ($self) = @_;
    my $dir = "$self->{dir}/parley";
    my @set = map { ('--set', $_) } 'workers=2', @{ $self->{settings} };

    die "$dir is there from another run: take another --dir\n" if -e $dir;
    $self->{stack_up} = 1;
    job("$self->{top}/scripts/stack", 'up', '--dir', $dir, '--port', 0, '--no-demo', '--build',
        $self->{build}, @set);
    my $env = job("$self->{top}/scripts/stack", 'env', '--dir', $dir);
    my %env = job('bash', '-c', "$env\nenv") =~ /^(PARLEY_\w+)=(.*)$/mg;
    $self->{parley_conf} = $env{PARLEY_CONF};
    $self->{"db_\L$_"} = $env{"PARLEY_DB_$_"} for qw(SOCKET USER NAME);
    open my $conf, '<', $env{PARLEY_CONF} or die "$env{PARLEY_CONF}: $!\n";
    ($self->{p_socket}) = map { /^listen = "(.*)"/ ? $1 : () } <$conf>;
    for my $part (['parley', 'workers'], ['database', 'db']) {
        open my $f, '<', "$dir/pid/$part->[1]" or die "$dir/pid/$part->[1]: $!\n";
        ($self->{pids}{ $part->[0] }) = split ' ', <$f>;
    }
    # PHP's processes each keep a connection as well; who runs the database administers it.
    $self->sql('SET GLOBAL max_connections = 200', scalar getpwuid $>);
    job("$self->{build}/src/parley", 'model', 'add', 'bench', '-c', $self->{parley_conf},
        '--name', 'Bench', '--url', "http://127.0.0.1:$self->{upstream_port}" . ($self->{base} // '/v1'),
        '--upstream-name', 'bench', '--total', 3600, '--arena', @{ $self->{model} // [] });
}

# Everybody's first /task/list makes the default task.
sub make_users {
    my ($self) = @_;
    my $http = HTTP::Tiny->new;

    for my $n (1 .. $USERS) {
        my $reply = $http->get("http://127.0.0.1:$self->{p_port}/task/list",
            { headers => { userId => "bench$n" } });
        my $body = eval { decode_json($reply->{content}) };
        my $task = $body && $body->{data}[0]{id}
            or die "no task for a user: $reply->{status} $reply->{content}\n";
        push @{ $self->{users} }, ["bench$n", $task];
    }
}

sub upstream_get {
    my ($self, $path) = @_;
    my $reply = HTTP::Tiny->new->get("http://127.0.0.1:$self->{upstream_port}$path");

    die "upstream: $reply->{status} $reply->{content}\n" unless $reply->{success};
    return $reply->{content};
}

sub upstream_stats { return decode_json($_[0]->upstream_get('/_stats')) }

# Waits until the upstream answers nobody any more: true when it came to that.
sub quiet {
    my ($self) = @_;

    return eval { within(15, 'quiet', sub { $self->upstream_stats->{streams} == 0 }) };
}

# A side's processes: those whose CPU and memory count as its own.
sub workers {
    my ($self, $side) = @_;
    my %pid = (H => $self->{pids}{php}, E => $self->{pids}{php}, P => $self->{pids}{parley});
    my $pid = $pid{$side};

    return $pid ? family($pid) : ();
}

# Makes P's workers new ones, with these settings (name => value) beside the file's own.
sub renew {
    my ($self, $side, %set) = @_;
    my %old = map { $_ => 1 } $self->workers($side);

    $self->{conf_text} //= do {
        open my $f, '<', $self->{parley_conf} or die "$self->{parley_conf}: $!\n";
        local $/ = undef;
        <$f>;
    };
    open my $f, '>', $self->{parley_conf} or die "$self->{parley_conf}: $!\n";
    print $f $self->{conf_text}, map { qq($_ = $set{$_}\n) } sort keys %set;
    close $f or die "$self->{parley_conf}: $!\n";

    delete $old{ $self->{pids}{parley} };
    kill HUP => $self->{pids}{parley} or die "the workers are gone\n";
    within(
        20,
        'new workers',
        sub {
            my @now = $self->workers($side);
            return @now == 1 + keys %old && !grep { $old{$_} } @now;
        }
    );
}

sub write_bodies {
    my ($self, $name, @bodies) = @_;
    my $file = "$self->{dir}/tmp/$name";

    open my $f, '>', $file or die "$file: $!\n";
    print $f "$_\n" for @bodies;
    close $f or die "$file: $!\n";
    return $file;
}

# Existing sessions without a turn, one for each pace, and what is to be posted into them.
sub session_bodies {
    my ($self, @paces) = @_;
    my @users = map { $self->{users}[$_ % @{ $self->{users} }] } 0 .. $#paces;
    my $hello = '"messages":[{"role":"user","content":"measure"}]';
    my $file =
        $self->write_bodies('create', map {qq($_->[0]\t{"taskId":"$_->[1]",$hello})} @users);
    my @replies = split /\n/,
        job(
        "$self->{build}/bench/load", 'post', '--port', $self->{p_port},
        '--path', '/conv/create', '--vary', 'userId', '--connections', 8, '--bodies', $file
        );
    my @bodies;

    for my $i (0 .. $#paces) {
        my $session = decode_json($replies[$i])->{data}{sessionId}
            or die "no session: $replies[$i]\n";
        my ($user, $task) = @{ $users[$i] };
        push @bodies, qq($user\t{"taskId":"$task","session_id":"$session",)
            . qq("messages":[{"role":"user","content":"answer at $paces[$i]"}]});
    }
    return @bodies;
}

# How the load generator asks a side for streams, one for each pace; of P, with `relay`, those that
# are only relayed: nothing of them is spooled or stored.
sub stream_options {
    my ($self, $side, $relay, @paces) = @_;
    my %path = (
        L => '/v1/chat/completions',
        H => '/stream.php',
        P => $relay ? '/combine/chat' : '/conv/chat'
    );
    my @bodies;

    if ($side eq 'P' && !$relay) {
        @bodies = $self->session_bodies(@paces);
    } else {
        @bodies = map {
            ($side eq 'P' ? "$self->{users}[0][0]\t" : '')
                . '{"model":"bench","stream":true,"taskId":"1","session_id":"chat_1",'
                . qq("messages":[{"role":"user","content":"answer at $_"}]})
        } @paces;
    }
    return (
        '--port', $self->{ lc "${side}_port" }, '--path', $path{$side},
        '--bodies', $self->write_bodies("streams-$side", @bodies),
        $side eq 'P' ? ('--vary', 'userId') : ()
    );
}

sub sql {
    my ($self, $query, $user) = @_;
    my $said = job('mariadb', '--no-defaults', '-S', $self->{db_socket},
        '-u', $user // $self->{db_user}, '-N', '-e', $query, $self->{db_name});

    chomp $said;
    return $said;
}

# The newest answer in the side's database, for stored_answers.
sub newest_answer {
    my ($self, $side) = @_;

    return $side eq 'P' ? $self->sql('SELECT COALESCE(MAX(id), 0) FROM answer') : 0;
}

# How many answers since then are stored: ended, with their text unless they were only relayed;
# whole ones where the number of their tokens is given. Waits for as many as are wanted, but not for
# ever. Who stores nothing has them all.
sub stored_answers {
    my ($self, $side, $newest, $wanted, $relay, $tokens) = @_;
    my $query = "SELECT COUNT(*) FROM answer WHERE id > $newest AND running IS NULL"
        . ($relay ? ' AND text IS NULL' : " AND text <> ''")
        . (defined $tokens ? " AND status = 'stop' AND completion_tokens = $tokens" : '');
    my $stored;

    return $wanted if $side ne 'P';
    eval { within(10, 'stored', sub { ($stored = $self->sql($query)) >= $wanted }) };
    return $stored;
}

# A user with one task and so many answered sessions.
sub make_lister {
    my ($self, $sessions) = @_;
    my ($user, $task) = ('lister');
    my $headers = { userId => $user, 'Content-Type' => 'application/json' };
    my $base    = "http://127.0.0.1:$self->{p_port}";
    my $http    = HTTP::Tiny->new;
    my $list    = sub {
        my $reply = $http->get("$base/task/list", { headers => $headers });
        return (eval { decode_json($reply->{content}) }
                || die "task/list: $reply->{status} $reply->{content}\n")->{data};
    };

    return $user if $self->{lister}++;
    $task = $list->()->[0]{id};
    for my $n (1 .. $sessions) {
        my $body =
            qq({"taskId":"$task","messages":[{"role":"user","content":"r1000n5, no. $n"}]});
        my $reply = $http->post("$base/conv/chat", { headers => $headers, content => $body });
        die "conv/chat: $reply->{status} $reply->{content}\n" unless $reply->{success};
    }
    within(5, 'answered sessions', sub { @{ $list->()->[0]{children} } == $sessions });
    return $user;
}

1;
