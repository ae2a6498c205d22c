package Bench::Soak::Plain;

# The many: streams that are kept up at a number by `load feed`, each with a mood that was chosen
# when it began. What is remembered of each is what the store is held against at the end.

use strict;
use warnings;

use List::Util qw(first);
use Mojo::IOLoop;
use Mojo::JSON qw(decode_json);
use POSIX ();

my ($SHORTEST, $LONGEST) = (20, 120);    # s of an answer
my $USES     = 8;                        # turns of a session, so that contexts do not grow for ever
my $STALLED  = 20;                       # clients at once that do not read
my $STALL    = 30;                       # s
my $BURST    = 4000;                     # deltas at once for them: more than buffers take
my $FAULTY   = 60;                       # one answer of so many is cut, and one refused
my $LEAVES   = 0.15;                     # share of the clients

# Bench::Soak::Plain->new(sides, http => Mojo::UserAgent, load => program, log => file,
# streams => how many)
sub new {
    my ($class, %arg) = @_;

    return bless {
        %arg,
        n => 0, open => 0, stalled => 0, owed => 0,
        asked => {}, free => [], making => 0, rest => '', last => '',
    }, $class;
}

sub start {
    my ($self) = @_;
    my $port = $self->{sides}{p_port};

    pipe my $in,   my $to or die "pipe: $!\n";
    pipe my $from, my $out or die "pipe: $!\n";
    my @command = (
        $self->{load}, 'feed', '--port', $port, '--path', '/conv/chat', '--vary', 'userId',
        '--streams', 2 * $self->{streams} + 100
    );
    $self->{pid} = fork // die "fork: $!\n";
    if ($self->{pid} == 0) {
        open STDIN,  '<&', $in             or POSIX::_exit(71);
        open STDOUT, '>&', $out            or POSIX::_exit(71);
        open STDERR, '>>', $self->{log}    or POSIX::_exit(71);
        close $_ for $to, $from;
        exec { $command[0] } @command or POSIX::_exit(69);
    }
    close $in;
    close $out;
    $self->{to}   = Mojo::IOLoop::Stream->new($to)->timeout(0);
    $self->{from} = Mojo::IOLoop::Stream->new($from)->timeout(0);
    Mojo::IOLoop->stream($self->{$_}) for qw(to from);
    $self->{from}->on(read  => sub { $self->heard($_[1]) });
    $self->{from}->on(close => sub { $self->{ended} = 1 });
    $self->{timer} = Mojo::IOLoop->recurring(0.1 => sub { $self->top_up });
}

# No more are begun.
sub cease {
    my ($self) = @_;
    Mojo::IOLoop->remove(delete $self->{timer}) if $self->{timer};
}

# Who is still open leaves; `ended` is set when all is said.
sub leave {
    my ($self) = @_;
    $self->{to}->close if $self->{to};
}

# Opened evenly, twice as fast as they end, so that they never come in waves.
sub top_up {
    my ($self) = @_;

    $self->{owed} += 0.1 * 2 * $self->{streams} / (($SHORTEST + $LONGEST) / 2);
    for (; $self->{owed} >= 1; $self->{owed}--) {
        $self->ask if $self->{open} < $self->{streams};
    }
}

# Every mood, and what goes with it.
sub mood {
    my ($self, $n, $count) = @_;

    return { mood => 'cut', suffix => 'c' . int($count / 2), said => int($count / 2) }
        if $n % $FAULTY == 17;
    return { mood => 'refused', suffix => 'e503', said => 0 } if $n % $FAULTY == 47;
    return { mood => 'stall', suffix => "b$BURST", stall => $STALL, said => $count + $BURST }
        if $self->{stalled} < $STALLED && $n % 5 == 0;
    return { mood => 'leave', suffix => '', leave => 1 + int rand $count / 2, said => $count }
        if rand() < $LEAVES;
    return { mood => 'stay', suffix => '', said => $count };
}

sub ask {
    my ($self) = @_;
    my $n     = ++$self->{n};
    my $rate  = 1 + int rand 2;
    my $count = int($rate * ($SHORTEST + rand($LONGEST - $SHORTEST)));
    my $story = $self->mood($n, $count);
    my $talk  = $n % 2 && $story->{mood} ne 'stall' ? $self->session : undef;
    my ($user, $task) =
        $talk ? @$talk{qw(user task)} : @{ $self->{sides}{users}[rand @{ $self->{sides}{users} }] };
    my $session = $talk ? qq("session_id":"$talk->{id}",) : '';

    $self->{asked}{$n} = $story;
    $story->{talk} = $talk;
    $story->{pace} = "r${rate}n$count$story->{suffix}";
    $self->{stalled}++ if $story->{mood} eq 'stall';
    $self->{open}++;
    $self->{to}->write(sprintf "%d %d %d %s\t%s\n", $n, $story->{leave} // 0, $story->{stall} // 0,
        $user, qq({"taskId":"$task",$session"messages":)
            . qq([{"role":"user","content":"soak $n at $story->{pace}"}]}));
}

# An existing session that is not being answered in, or none; makes one for another time.
sub session {
    my ($self) = @_;

    $self->make_session if @{ $self->{free} } < 20 && $self->{making} < 10;
    my $talk = shift @{ $self->{free} } or return undef;
    $talk->{used}++;
    return $talk;
}

sub make_session {
    my ($self) = @_;
    my ($user, $task) = @{ $self->{sides}{users}[rand @{ $self->{sides}{users} }] };

    my $url  = "http://127.0.0.1:$self->{sides}{p_port}/conv/create";
    my %body = (taskId => $task, messages => [{ role => 'user', content => 'soak' }]);
    my $made = sub {
        my ($ua, $tx) = @_;
        my $id = eval { $tx->res->json->{data}{sessionId} };

        $self->{making}--;
        return $self->{wrong}{'/conv/create: ' . ($tx->res->code // 'no answer')}++ unless $id;
        push @{ $self->{free} }, { id => $id, user => $user, task => $task, used => 0 };
    };

    $self->{making}++;
    $self->{http}->post($url => { userId => $user } => json => \%body => $made);
}

# Some session with answers and its owner, for GET /conv/his.
sub answered {
    my ($self) = @_;
    my $talk = first { $_->{used} } reverse @{ $self->{free} };
    return $talk ? @$talk{qw(user id)} : ();
}

# Lines of the load generator: NAME HOW STATUS DELTAS GAPS, and its figures as the last.
sub heard {
    my ($self, $bytes) = @_;

    $self->{rest} .= $bytes;
    while ($self->{rest} =~ s/\A(.*)\n//) {
        my $line = $1;
        if ($line =~ /^\{/) {
            $self->{figures} = decode_json($line);
        } else {
            $self->over(split ' ', $line);
        }
    }
}

sub over {
    my ($self, $n, $how, $status, $deltas, $gaps) = @_;
    my $story = $self->{asked}{$n};
    my $talk  = delete $story->{talk};

    @$story{qw(how status deltas gaps)} = ($how, $status, $deltas, $gaps);
    $self->{open}--;
    $self->{stalled}-- if $story->{mood} eq 'stall';
    # Where its client left, the session is still being answered in: it is not used again.
    push @{ $self->{free} }, $talk if $talk && $how eq 'whole' && $talk->{used} < $USES;
}

# What its client has to complain of, or undef.
sub complaint {
    my ($story) = @_;

    return "status $story->{status}" if $story->{status} != 200 && $story->{how} ne 'left';
    return "its connection broke after $story->{deltas} deltas" if $story->{how} eq 'broken';
    return "$story->{gaps} deltas out of order" if $story->{gaps};
    return "$story->{deltas} deltas in place of $story->{said}"
        if $story->{how} eq 'whole' && $story->{deltas} != $story->{said};
    return undef;
}

# What is wrong with what is stored of it (a row of the store; undef: nothing is), or undef.
sub missing {
    my ($story, $row) = @_;

    # Who left before there was an answer may never have been heard.
    return $story->{status} == 200 ? 'no answer is stored' : undef unless $row;
    my $status = $story->{mood} =~ /^(?:cut|refused)$/ ? 'error' : 'stop';
    return "stored as $row->{status}" if $row->{status} ne $status;
    return "$row->{stamps} deltas are stored of $story->{said}" if $row->{stamps} != $story->{said};
    return undef;
}

# The client of each number, and how many of each mood and ending.
sub stories { return $_[0]{asked} }

sub count {
    my ($self) = @_;
    my %n;

    $n{ $_->{mood} }++, $n{"was $_->{how}"}++ for values %{ $self->{asked} };
    return \%n;
}

1;
