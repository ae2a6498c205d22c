package Demo::Ask;

# What a chat request must look like, as OpenAI's server asks for it.

use v5.36;

use Scalar::Util qw(looks_like_number);

my %ROLE = map { $_ => 1 } qw(system developer user assistant tool);

# Says what is wrong with a request (a hash), and in which parameter; nothing when it is well.
sub complaint ($ask) {
	my $messages = $ask->{messages};

	return ('messages must be a list with at least one message', 'messages')
	    unless ref $messages eq 'ARRAY' && @$messages;
	for my $i (0 .. $#$messages) {
		my $why = message_complaint($messages->[$i]);
		return ("messages[$i]: $why", "messages.[$i]") if defined $why;
	}
	my @order = order_complaint(@$messages);
	return @order if @order;
	return ('n: this demo gives one choice', 'n') if ($ask->{n} // 1) ne '1';
	for my $key (qw(max_tokens max_completion_tokens)) {
		return ("$key must be a positive integer", $key)
		    if defined $ask->{$key} && (ref $ask->{$key} || $ask->{$key} !~ /^[1-9]\d*$/);
	}
	for my $key (qw(temperature top_p presence_penalty frequency_penalty)) {
		return ("$key must be a number", $key)
		    if defined $ask->{$key} && !looks_like_number($ask->{$key});
	}
	return ('stop must be a text or a list of texts', 'stop')
	    if grep { ref } ref $ask->{stop} eq 'ARRAY' ? @{ $ask->{stop} } : $ask->{stop} // ();
	return ('stream_options needs stream', 'stream_options')
	    if defined $ask->{stream_options} && !$ask->{stream};
	return ('stream_options must be an object', 'stream_options')
	    if ref($ask->{stream_options} // {}) ne 'HASH';
	return tools_complaint($ask);
}

sub message_complaint ($message) {
	return 'must be an object' unless ref $message eq 'HASH';
	my ($role, $content) = @$message{qw(role content)};
	return 'role must be one of system, developer, user, assistant, tool'
	    unless defined $role && !ref $role && $ROLE{$role};
	if (defined $message->{tool_calls}) {
		return 'only an assistant has tool_calls' if $role ne 'assistant';
		return 'tool_calls must be a list' if ref $message->{tool_calls} ne 'ARRAY';
		return 'a tool call needs id and function.name'
		    if grep { !is_call($_) } @{ $message->{tool_calls} };
	}
	return if !defined $content && @{ $message->{tool_calls} // [] };
	return 'content must be a text or a list of parts'
	    if !defined $content || ref $content && ref $content ne 'ARRAY';
	return 'a part of content must be an object with a type'
	    if ref $content && grep { ref ne 'HASH' || !defined $_->{type}
	    || ref $_->{text} } @$content;
	return undef;
}

sub is_call ($call) {
	return ref $call eq 'HASH' && length($call->{id} // '') && ref $call->{function} eq 'HASH'
	    && length($call->{function}{name} // '');
}

# Results of tools stand right after the calls they answer, one for each.
sub order_complaint (@messages) {
	my %open;

	for my $i (0 .. $#messages) {
		my $message = $messages[$i];
		my $where = "messages.[$i]";
		if ($message->{role} eq 'tool') {
			return ("messages[$i]: role 'tool' must answer a preceding 'tool_calls'",
			    $where)
			    unless delete $open{ $message->{tool_call_id} // '' };
			next;
		}
		return ("messages[$i]: calls before it have no answer: @{[sort keys %open]}",
		    $where)
		    if %open;
		$open{ $_->{id} } = 1 for @{ $message->{tool_calls} // [] };
	}
	return ("the last calls have no answer: @{[sort keys %open]}", 'messages') if %open;
	return;
}

sub tools_complaint ($ask) {
	my $tools = $ask->{tools} // return;

	return ('tools must be a list', 'tools') if ref $tools ne 'ARRAY' || !@$tools;
	return ('tool_choice must be a word or an object', 'tool_choice')
	    if ref($ask->{tool_choice} // {}) !~ /^(?:HASH)?$/;
	for my $i (0 .. $#$tools) {
		my $function = ref $tools->[$i] eq 'HASH' ? $tools->[$i]{function} : undef;
		return ("tools[$i]: function.name must be a name", "tools[$i].function.name")
		    unless ref $function eq 'HASH' && ($function->{name} // '') =~ /^[\w-]{1,64}$/a;
		my $parameters = $function->{parameters} // {};
		return ("tools[$i]: function.parameters must be a schema",
		    "tools[$i].function.parameters")
		    if ref $parameters ne 'HASH' || ref($parameters->{properties} // {}) ne 'HASH';
	}
	return;
}

1;
