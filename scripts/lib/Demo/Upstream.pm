package Demo::Upstream;

# The server: OpenAI's endpoints over the demo's answers, pictures and vectors; and a search of the
# web, as SearXNG has one, that finds what it makes up.

use Mojo::Base 'Mojolicious', -signatures;
use v5.36;

use Digest::MD5  qw(md5_hex);
use List::Util   qw(first);
use MIME::Base64 qw(encode_base64);
use Mojo::JSON   qw(decode_json);
use Mojo::Log;
use Mojo::Util   qw(url_escape);
use Time::HiRes  qw(time);

use Demo::Answer qw(answer);
use Demo::Ask;
use Demo::Faults;
use Demo::Media qw(embedding png wav_seconds);
use Demo::Player;
use Demo::Sentences qw(sentences_in);
use Demo::Stream;
use Demo::Text qw(excerpt is_chinese tokens);
use Demo::Whole;

has models  => sub { [] };      # names of the chat models
has delay   => 0;               # seconds between two deltas
has 'key';                      # the key that callers must show, undef = none
has 'control';                  # true: obey scripts, keep a log of requests
has 'faults';

# The models of the other endpoints; these take the chat models' names as well.
my @OTHER = qw(demo-image demo-audio demo-embedding);
my $SEARCH = 'demo-search';     # as scripts and the log call /search

my %KIND = (
	400 => 'invalid_request_error', 401 => 'authentication_error', 403 => 'permission_error',
	404 => 'invalid_request_error', 429 => 'rate_limit_error',
);

sub startup ($self) {
	my $r = $self->routes;

	$self->log(Mojo::Log->new(level => 'info'));
	$self->mode('production');
	$self->max_request_size(64 << 20);
	$self->secrets(['a demo keeps none']);
	$self->renderer->compress(0);
	$self->static->paths([])->extra({});
	$self->helper(trouble => \&trouble);
	$self->helper('reply.exception' => sub ($c, $e) {
		$c->app->log->error($e);
		$c->trouble(500, 'The server had an error while processing your request.');
	});
	$self->helper('reply.not_found' => sub ($c) {
		my ($method, $path) = ($c->req->method, $c->req->url->path);
		$c->trouble(404, "Invalid URL ($method $path)");
	});

	if ($self->control) {
		$self->faults(Demo::Faults->new(@{ $self->models }, @OTHER, $SEARCH));
		$self->faults->routes($r);
	}
	my $v1 = $r->under('/v1' => \&enter);
	$v1->get('/models' => \&list_models);
	$v1->get('/models/#model' => \&show_model);
	$v1->post('/chat/completions' => \&chat);
	$v1->post('/images/generations' => \&image);
	$v1->post('/audio/transcriptions' => \&transcription);
	$v1->post('/embeddings' => \&embeddings);
	$v1->any('/*' => sub ($c) { $c->reply->not_found });
	$r->under('/search' => \&enter)->get('/' => \&search);
	return;
}

# Fails the request with OpenAI's error envelope; code and param may be named.
sub trouble ($c, $status, $message, %more) {
	$c->render(status => $status, json => { error => {
		message => $message,
		type    => $more{type} // $KIND{$status} // 'server_error',
		param   => $more{param},
		code    => $more{code},
	} });
	return undef;
}

# Before every endpoint: reads the body, writes the log, lets a script go first, asks for the key.
sub enter ($c) {
	my $app = $c->app;
	my $body = body_of($c->req);
	my $is_search = $c->req->url->path =~ m{^/search};
	my $model = $is_search ? $SEARCH
	    : ref $body eq 'HASH' && !ref $body->{model} ? $body->{model} // '' : '';
	my $start = time;

	$c->stash(body => $body, entry => {});
	$c->stash(entry => $app->faults->entry($c, $model, $body)) if $app->faults;
	$c->tx->on(finish => sub ($tx) { leave($c, $model, time - $start) });
	if (my $script = $app->faults && $app->faults->take($model)) {
		$c->stash->{entry}{scripted} = \1;
		$app->faults->perform($script, $c, sub ($steps) { play($c, $steps) });
		return 0;
	}
	my $shown = $c->req->headers->authorization // '';
	if (defined $app->key && !$is_search && $shown ne 'Bearer ' . $app->key) {
		return $c->trouble(401, 'Incorrect API key provided.', code => 'invalid_api_key',
		    type => 'invalid_request_error');
	}
	return 1;
}

# The exchange is over, or the client has left it.
sub leave ($c, $model, $seconds) {
	my $player = delete $c->stash->{player};
	my $code = $c->res->code;
	my $whole = $player ? $player->ended : defined $code;
	my $events = $player ? $player->events : 0;

	$player->stop if $player;
	@{ $c->stash->{entry} }{qw(status events ended ended_at)} =
	    ($code, $events, $whole ? 'complete' : 'aborted', time);
	$c->app->log->info(sprintf '%s %s %s %s after %.2f s%s',
		$c->req->method, $c->req->url->path, $model =~ s/[^\w.:\/-]/?/gr || '-',
		$whole ? $code : 'left by its client', $seconds, $events ? ", $events events" : '');
	return;
}

# GET /search?q=words&format=json
sub search ($c) {
	my $q = $c->param('q') // '';

	return $c->render(text => 'No query', status => 400) if $q !~ /\S/;
	return $c->render(text => 'Forbidden', status => 403)
	    if ($c->param('format') // '') ne 'json';
	my $s = sentences_in(is_chinese($q) ? 'zh' : 'en');
	return $c->render(json => {
		query             => $q,
		number_of_results => 3,
		results           => [map { {
			url     => "https://demo.example/$_?q=" . url_escape($q),
			title   => sprintf($s->{hit}, $_, excerpt($q, 60)),
			content => $s->{snippet},
			engine  => 'demo',
		} } 1 .. 3],
		answers => [], suggestions => [], infoboxes => [],
	});
}

# The body as a value: decoded JSON, the fields of a form, or the bytes where it is neither.
sub body_of ($req) {
	if (@{ $req->uploads } || ($req->headers->content_type // '') =~ m{^multipart/form-data}i) {
		my %form = %{ $req->body_params->to_hash };
		$form{ $_->name } = {
			filename     => $_->filename,
			size         => $_->size,
			content_type => $_->headers->content_type,
		} for @{ $req->uploads };
		return \%form;
	}
	my $body = $req->body;
	return eval { decode_json($body) } // $body;
}

# The decoded JSON body when it is an object with a model that is one of those; else the request
# has failed. Where $default is given the model may be missing.
sub json_ask ($c, $models, $default = undef) {
	my $ask = $c->stash('body');

	return $c->trouble(400, 'We could not parse the JSON body of your request.') if !ref $ask;
	return $c->trouble(400, 'The body must be a JSON object.') unless ref $ask eq 'HASH';
	return known_model($c, $ask->{model} // $default, $models) ? $ask : undef;
}

sub known_model ($c, $model, $models) {
	return $c->trouble(400, 'you must provide a model parameter', param => 'model')
	    if ref $model || !length($model // '');
	return 1 if first { $_ eq $model } @$models;
	return $c->trouble(404,
	    "The model `$model` does not exist or you do not have access to it.",
	    param => 'model', code => 'model_not_found');
}

sub any_model ($c) { return [@{ $c->app->models }, @OTHER] }

sub model_row ($name) {
	return { id => $name, object => 'model', created => 1_735_689_600, owned_by => 'demo' };
}

sub list_models ($c) {
	my @rows = map { model_row($_) } @{ any_model($c) };
	return $c->render(json => { object => 'list', data => \@rows });
}

sub show_model ($c) {
	known_model($c, $c->param('model'), any_model($c)) or return;
	return $c->render(json => model_row($c->param('model')));
}

sub chat ($c) {
	my $app = $c->app;
	my $ask = json_ask($c, $app->models) or return;
	my ($why, $param) = Demo::Ask::complaint($ask);
	return $c->trouble(400, $why, param => $param) if defined $why;

	my $manner = first { $app->models->[$_] eq $ask->{model} } 0 .. $#{ $app->models };
	my $usage = !$ask->{stream} || $ask->{stream_options}{include_usage};
	return play($c, answer($ask, $manner, $app->delay, $usage));
}

# Plays steps as the request wants them, in a stream or as one object.
sub play ($c, $steps) {
	my $ask = ref $c->stash('body') eq 'HASH' ? $c->stash('body') : {};
	my $head = {
		id      => 'chatcmpl-' . md5_hex(join ' ', time, rand, $c->req->request_id),
		created => int time,
		model   => $ask->{model},
	};
	my $reply = $ask->{stream}
	    ? Demo::Stream->new($c, $head, $ask->{stream_options}{include_usage})
	    : Demo::Whole->new($c, $head);

	$c->stash(player => Demo::Player->new($reply, $steps));
	$c->stash('player')->play;
	return;
}

sub image ($c) {
	my $ask = json_ask($c, any_model($c), 'demo-image') or return;
	my ($prompt, $n, $size) = ($ask->{prompt} // '', $ask->{n} // 1, $ask->{size} // '256x256');

	return $c->trouble(400, 'prompt must be a text', param => 'prompt')
	    if ref $prompt || $prompt !~ /\S/;
	return $c->trouble(400, 'n must be an integer from 1 to 10', param => 'n')
	    if $n !~ /^(?:[1-9]|10)$/;
	$size = '256x256' if $size eq 'auto';
	my ($width, $height) = $size =~ /^(\d{2,4})x(\d{2,4})$/;
	return $c->trouble(400, 'size must be WIDTHxHEIGHT, 16 to 2048 each', param => 'size')
	    if !$width || $width < 16 || $height < 16 || $width > 2048 || $height > 2048;
	return $c->trouble(400, 'this demo gives b64_json only', param => 'response_format')
	    if ($ask->{response_format} // 'b64_json') ne 'b64_json';
	return $c->render(json => {
		created => int time,
		data    => [map { {
			b64_json       => encode_base64(png("$_ $prompt", $width, $height), ''),
			revised_prompt => "A pattern drawn from your words by a demo: $prompt",
		} } 1 .. $n],
	});
}

sub transcription ($c) {
	my $file = $c->req->upload('file');
	return $c->trouble(400, 'file must be a part of multipart/form-data', param => 'file')
	    unless $file;
	known_model($c, scalar $c->param('model'), any_model($c)) or return;
	my $format = $c->param('response_format') // 'json';
	return $c->trouble(400, 'response_format must be json or text', param => 'response_format')
	    if $format !~ /^(?:json|text)$/;

	my $s = sentences_in(($c->param('language') // '') =~ /^zh/ ? 'zh' : 'en');
	my @facts = ($file->filename, $file->size, wav_seconds($file->slurp) // ());
	my $text = sprintf $s->{@facts > 2 ? 'sound' : 'file'}, @facts;
	return $format eq 'text' ? $c->render(text => "$text\n", format => 'txt')
	    : $c->render(json => { text => $text });
}

sub embeddings ($c) {
	my $ask = json_ask($c, any_model($c), 'demo-embedding') or return;
	my @input = ref $ask->{input} eq 'ARRAY' ? @{ $ask->{input} } : $ask->{input} // ();
	my $dimensions = $ask->{dimensions} // 256;
	my $format = $ask->{encoding_format} // 'float';

	return $c->trouble(400, 'input must be a text or a list of texts', param => 'input')
	    if !@input || grep { ref || !length($_ // '') } @input;
	return $c->trouble(400, 'input must have at most 2048 texts', param => 'input')
	    if @input > 2048;
	return $c->trouble(400, 'dimensions goes from 1 to 4096', param => 'dimensions')
	    if $dimensions !~ /^[1-9]\d{0,3}$/ || $dimensions > 4096;
	return $c->trouble(400, 'encoding_format is float or base64', param => 'encoding_format')
	    if $format !~ /^(?:float|base64)$/;

	my $tokens = 0;
	$tokens += tokens($_) for @input;
	return $c->render(json => {
		object => 'list',
		model  => $ask->{model} // 'demo-embedding',
		usage  => { prompt_tokens => $tokens, total_tokens => $tokens },
		data   => [map {
			my @vector = embedding($input[$_], $dimensions);
			{
				object    => 'embedding',
				index     => $_,
				embedding => $format eq 'float' ? \@vector
				    : encode_base64(pack('f<*', @vector), ''),
			}
		} 0 .. $#input],
	});
}

1;
