package Bench::Soak::Unruly;

# The few: clients that leave, come back where they were, stop and ask again, as the tests have them
# (ParleyTest::Crowd); beside them short requests, and bad ones.

use strict;
use warnings;

use Mojo::IOLoop;
use Mojo::UserAgent;

use ParleyTest::Crowd;
use ParleyTest::Http;

my $SHORT = 20;    # a second
my $BAD   = 1;

# What is wrong in each of them, and the status that says so.
my @BAD = (
    [GET  => '/nowhere/at/all', undef, 404],
    [GET  => '/v1/streams/1', undef, 404],
    [GET  => '/conv/his?sessionId=chat_1', undef, 404],
    [POST => '/conv/chat', '{"messages":', 400],
    [POST => '/conv/chat', '{"messages":[]}', 400],
    [POST => '/conv/chat', '[]', 400],
    [POST => '/v1/streams/1/stop', '', 404],
    [PUT  => '/task/list', '{}', 405],
);

# What the crowd asks its questions through.
{
    package Bench::Soak::Unruly::Site;

    sub task {
        my ($self, $user) = @_;
        return $self->{http}->get('/task/list', user => $user)->json->{data}[-1]{id};
    }
}

# Bench::Soak::Unruly->new(url, clients => how many, lister => user, history => code that gives a
# user and a session of hers)
sub new {
    my ($class, %arg) = @_;
    my $site = bless { http => ParleyTest::Http->new($arg{url}) }, 'Bench::Soak::Unruly::Site';
    my $crowd = ParleyTest::Crowd->new($site, masks => ['ALPHA']);

    $crowd->{task}{$_} = $site->task($_) for @{ $crowd->{users} };
    return bless {
        %arg,
        crowd => $crowd, site => $site, open => 0, waiting => 0, comebacks => 0, events => 0,
        said => {}, wrong => {}, short => 0, bad => 0, n => 0,
        http => Mojo::UserAgent->new(max_connections => 20, inactivity_timeout => 30),
    }, $class;
}

sub http { return $_[0]{http} }

sub start {
    my ($self) = @_;

    $self->{timers} = [
        Mojo::IOLoop->recurring(0.2        => sub { $self->begin }),
        Mojo::IOLoop->recurring(1 / $SHORT => sub { $self->short }),
        Mojo::IOLoop->recurring(1 / $BAD   => sub { $self->bad }),
    ];
}

sub cease {
    my ($self) = @_;

    Mojo::IOLoop->remove($_) for splice @{ $self->{timers} };
}

# True while somebody waits for something.
sub busy { my ($self) = @_; return $self->{open} + $self->{waiting} }

# One more client at most, so that they do not go in step.
sub begin {
    my ($self) = @_;
    my $story;

    return if $self->{open} >= $self->{clients};
    $self->{open}++;
    $self->{crowd}->begin(sub { $self->over($story) });
    $story = $self->{crowd}{stories}[-1];
}

# Of a story that is over only what is held against the store is kept.
sub over {
    my ($self, $story) = @_;
    my $lanes = ParleyTest::Crowd::lanes($story);
    my $text  = $story->{kind} eq 'combine' ? undef : ($lanes->{ALPHA} // {})->{text};

    $self->{open}--;
    $self->{said}{ $story->{over} }++;
    $self->{comebacks} += $story->{tries} - 1;
    $self->{events} += keys %{ $story->{events} };
    $text = $story->{stored}{ALPHA} if %{ $story->{stored} };
    my $kept = { text => $text, map { $_ => $story->{$_} } qw(n turn over kind fate said) };
    %$story = %$kept;
}

sub ask {
    my ($self, $method, $path, $user, $body, $want) = @_;
    my $header = { userId => $user, defined $body ? ('Content-Type' => 'application/json') : () };
    my $tx = $self->{http}->build_tx($method => "$self->{url}$path" => $header => $body // ());

    $self->{waiting}++;
    $self->{http}->start(
        $tx => sub {
            my $code = $_[1]->res->code // 'no answer';
            $self->{waiting}--;
            $self->{wrong}{"$method $path: $code"}++ if $code ne $want;
        }
    );
}

sub short {
    my ($self) = @_;
    my $n = $self->{short}++;
    my ($user, $session) = $n % 4 == 3 ? $self->{history}->() : ();

    return $self->ask(GET => '/healthz', 'nobody', undef, 200) if $n % 2 == 0;
    return $self->ask(GET => '/task/list', $self->{lister}, undef, 200) unless $session;
    return $self->ask(GET => "/conv/his?sessionId=$session", $user, undef, 200);
}

sub bad {
    my ($self) = @_;
    my ($method, $path, $body, $want) = @{ $BAD[$self->{bad}++ % @BAD] };

    $self->ask($method, $path, $self->{lister}, $body, $want);
}

# Everything that was answered as it should not have been: text => how often.
sub wrong {
    my ($self) = @_;
    my %wrong = %{ $self->{wrong} };

    $wrong{$_}++ for $self->{crowd}->wrong;
    $wrong{"a client was told: $_"} += $self->{said}{$_}
        for grep { $self->{said}{$_} } qw(lost refused);
    return \%wrong;
}

# Stories with a text of one stored answer: each is to be a prefix of what is stored of its turn.
sub told { return grep { defined $_->{text} && $_->{turn} } @{ $_[0]{crowd}{stories} } }

1;
