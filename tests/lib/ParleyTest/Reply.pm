package ParleyTest::Reply;

# What came back for a request: a plain hash with a few methods.

use v5.36;

use Mojo::JSON qw(decode_json);

sub new ($class, %fields) { return bless {%fields}, $class }

# The HTTP status; 0 when there was none, error then says why.
sub code ($self)  { return $self->{code} }
sub error ($self) { return $self->{error} }

# All headers, names in lower case; or one of them.
sub headers ($self)       { return $self->{headers} }
sub header ($self, $name) { return $self->{headers}{ lc $name } }

# The bytes of the body, and of the status line and headers.
sub body ($self) { return $self->{body} }
sub head ($self) { return $self->{head} }

# The body as JSON, undef when it is none.
sub json ($self) { return eval { decode_json($self->{body}) } }

# A text when the server cut the body off.
sub aborted ($self) { return $self->{aborted} }

# Of a stream: the events, the comments, the bytes after the last whole event.
sub events ($self)   { return $self->{events} }
sub comments ($self) { return $self->{comments} }
sub rest ($self)     { return $self->{rest} }

# All that a client could see, headers and frames and errors, as bytes.
sub seen ($self) { return $self->{head} . $self->{body} }

1;
