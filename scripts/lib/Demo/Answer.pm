package Demo::Answer;

# What the demo says: four manners of one honest message. No answer names its model, so that
# a blind comparison of several stays blind.

use v5.36;
use utf8;

use Digest::MD5 qw(md5_hex);
use Encode      qw(encode_utf8);
use Exporter    qw(import);
use List::Util  qw(first sum0);
use Mojo::JSON  qw(to_json);

use Demo::Calls     qw(call_steps);
use Demo::Sentences qw(sentences_in);
use Demo::Text qw(is_chinese tokens first_tokens pieces words nearest excerpt);

our @EXPORT_OK = qw(answer text_of);

# The manners: how fast it talks, relative to the delay that was configured.
my @MANNER = (
	{ say => \&brisk,    pace => 0.6 },
	{ say => \&orderly,  pace => 1.0 },
	{ say => \&thinking, pace => 1.5 },
	{ say => \&telling,  pace => 0.8 },
);

# The steps (see Demo::Player) that answer a chat request, its tokens being counted in a usage
# step when $with_usage. $manner chooses one of the four; $delay is in seconds.
sub answer ($ask, $manner, $delay, $with_usage) {
	my $in = understand($ask);
	my $how = $MANNER[$manner % @MANNER];
	my @calls = wanted_calls($ask, $in);
	my $pause = { sleep => $delay * $how->{pace} };
	my ($finish, $text, $thought) = ('stop', '', '');
	my @steps = ({ chunk => { role => 'assistant', content => @calls ? undef : '' } });

	if (@calls) {
		$finish = 'tool_calls';
		push @steps, map { $pause, $_ } call_steps(@calls);
	} else {
		($text, $thought) = $how->{say}->($in, sentences_in($in->{language}));
		($text, $thought, $finish) = limit($ask, $text, $thought // '');
		push @steps, map { $pause, { reasoning => $_ } } pieces($thought);
		push @steps, map { $pause, { delta => $_ } } pieces($text);
	}
	push @steps, { finish => $finish };
	push @steps, { usage => usage($ask, $text, $thought, @calls) } if $with_usage;
	return [@steps, { done => 1 }];
}

# The text of a message's content, which is a string or a list of parts.
sub text_of ($content) {
	return $content // '' unless ref $content;
	return join "\n", map { $_->{text} // '' } grep { $_->{type} eq 'text' } @$content;
}

# What there is to talk about.
sub understand ($ask) {
	my @messages = @{ $ask->{messages} };
	my @asked = map { text_of($_->{content}) } grep { $_->{role} eq 'user' } @messages;
	my @context = grep { /\S/ } map { text_of($_->{content}) }
	    grep { $_->{role} =~ /^(?:system|developer)$/ } @messages;
	my $last = first { $messages[$_]{role} eq 'user' } reverse 0 .. $#messages;
	my %called = map { $_->{id} => $_->{function}{name} }
	    map { @{ $_->{tool_calls} // [] } } @messages;
	my $question = pop @asked // '';
	my @short = map { substr $_, 0, 50_000 } $question, @context;   # all wait while we search

	return {
		question => $question,
		language => is_chinese($question) ? 'zh' : 'en',
		earlier  => \@asked,
		context  => \@context,
		nearest  => [nearest(shift @short, 3, @short)],
		images   => scalar(grep { $_->{type} eq 'image_url' }
		    map { ref $_->{content} ? @{ $_->{content} } : () } @messages),
		results  => [map { [$called{ $_->{tool_call_id} }, text_of($_->{content})] }
		    grep { $_->{role} eq 'tool' } @messages[($last // -1) + 1 .. $#messages]],
	};
}

# The sentences that every manner has to say something about, as far as they apply.
sub facts ($in, $s) {
	return (
		@{ $in->{earlier} }
		    ? sprintf $s->{turn}, 1 + @{ $in->{earlier} }, excerpt($in->{earlier}[-1], 80)
		    : (),
		@{ $in->{context} }
		    ? sprintf $s->{context}, sum0 map { length } @{ $in->{context} } : (),
		$in->{images} ? sprintf $s->{image}, $in->{images} : (),
		map { sprintf $s->{tool}, $_->[0], excerpt($_->[1], 400) } @{ $in->{results} },
	);
}

sub asked ($in, $s) {
	return $s->{silent} if $in->{question} !~ /\S/;
	return sprintf $s->{asked}, excerpt($in->{question}, 160);
}

sub found ($in, $s, $max) {
	my @lines = map { excerpt($_, 200) } @{ $in->{nearest} };
	return @{ $in->{context} } ? $s->{nothing} : () unless @lines;
	splice @lines, $max if @lines > $max;
	return ($s->{nearest}, map { "> $_" } @lines);
}

sub brisk ($in, $s) {
	my $glue = $in->{language} eq 'zh' ? '' : ' ';
	my @found = found($in, $s, 1);
	return join "\n\n", join($glue, $s->{demo}, asked($in, $s), facts($in, $s)),
	    @found ? join("\n", @found) : (), $s->{brisk};
}

sub orderly ($in, $s) {
	my @count = (scalar words($in->{question}), scalar @{ $in->{earlier} },
	    scalar @{ $in->{context} }, sum0 map { length } @{ $in->{context} });
	my @found = map { excerpt($_, 200) } @{ $in->{nearest} };
	my @results = map { sprintf $s->{tool}, @$_ } @{ $in->{results} };

	return join "\n\n",
	    "## $s->{title}",
	    asked($in, $s),
	    join("\n", $s->{received}, '|---|---:|',
	        map { "| $s->{rows}[$_] | $count[$_] |" } 0 .. $#count),
	    @results,
	    @found ? ("### $s->{found}", join "\n", map { "- $_" } @found) : (),
	    "### $s->{real}",
	    join("\n", map { ($_ + 1) . ". $s->{steps}[$_]" } 0 .. $#{ $s->{steps} }),
	    "> **$s->{demo}**";
}

sub thinking ($in, $s) {
	my ($topic) = sort { length $b <=> length $a } $in->{question} =~ /\w+/g;
	my @think = @{ $s->{think} };
	my $glue = $in->{language} eq 'zh' ? '' : ' ';
	my $thought = join $glue, sprintf(shift @think, scalar words($in->{question})),
	    sprintf(shift @think, $topic // '…'), @think;
	my @points = (asked($in, $s), facts($in, $s), $s->{demo});
	push @points, $s->{nocontext} unless @{ $in->{context} };

	my $text = join "\n\n",
	    join("\n", map { "$_. $points[$_ - 1]" } 1 .. @points),
	    join("\n", found($in, $s, 2)) || (),
	    $s->{honest};
	return ($text, $thought);
}

sub telling ($in, $s) {
	my $glue = $in->{language} eq 'zh' ? '' : ' ';
	my @found = found($in, $s, 3);
	return join "\n\n",
	    join($glue, asked($in, $s), $s->{demo}),
	    join($glue, facts($in, $s)) || (),
	    @found ? join("\n", @found) : (),
	    @{ $s->{tale} },
	    $s->{end};
}

# Cuts text and thought to the limits that the request sets.
sub limit ($ask, $text, $thought) {
	my $finish = 'stop';

	for my $stop (ref $ask->{stop} ? @{ $ask->{stop} } : $ask->{stop} // ()) {
		my $at = length $stop ? index $text, $stop : -1;
		$text = substr $text, 0, $at if $at >= 0;
	}
	if (my $max = $ask->{max_completion_tokens} // $ask->{max_tokens}) {
		$finish = 'length' if tokens($thought) + tokens($text) > $max;
		$thought = first_tokens($thought, $max);
		$text = first_tokens($text, $max - tokens($thought));
	}
	return ($text, $thought, $finish);
}

# The tools whose name the question contains, or that tool_choice demands; none in the round that
# already brings results.
sub wanted_calls ($ask, $in) {
	my @tools = map { $_->{function} } @{ $ask->{tools} // [] };
	my $choice = $ask->{tool_choice} // 'auto';
	return if !@tools || @{ $in->{results} } || $choice eq 'none';

	my @wanted = ref $choice ? grep { $_->{name} eq ($choice->{function}{name} // '') } @tools
	    : grep { $in->{question} =~ /(?<![\w-])\Q$_->{name}\E(?![\w-])/i } @tools;
	@wanted = $tools[0] if !@wanted && $choice eq 'required';
	return map { {
		id   => 'call_' . substr(md5_hex(encode_utf8("$_->{name} $in->{question}")), 0, 24),
		name => $_->{name},
		arguments => to_json(arguments($_, $in->{question})),
	} } @wanted;
}

# Arguments for a tool, by the types of its parameters: numbers from the question, and the rest of
# the question as text.
sub arguments ($tool, $question) {
	my $properties = $tool->{parameters}{properties} // {};
	my @numbers = $question =~ /(?<![\w.])-?\d+(?:\.\d+)?/g;
	my $text = excerpt($question =~ s/\Q$tool->{name}\E//gir, 200);
	my %arguments;

	for my $name (sort keys %$properties) {
		my $schema = ref $properties->{$name} eq 'HASH' ? $properties->{$name} : {};
		my $type = ref $schema->{type} ? $schema->{type}[0] : $schema->{type} // 'string';
		my @enum = @{ $schema->{enum} // [] };
		$arguments{$name} = @enum ? (first { index($question, $_) >= 0 } @enum) // $enum[0]
		    : $type eq 'integer' ? int(shift @numbers // 1)
		    : $type eq 'number'  ? 0 + (shift @numbers // 1)
		    : $type eq 'boolean' ? Mojo::JSON->true
		    : $type eq 'array'   ? []
		    : $type eq 'object'  ? {}
		    :                      $text;
	}
	return \%arguments;
}

# Four tokens of frame per message, as chat templates have.
sub usage ($ask, $text, $thought, @calls) {
	my $prompt = sum0 map { 4 + tokens(text_of($_->{content})) } @{ $ask->{messages} };
	my $reasoning = tokens($thought);
	my $said = $reasoning + tokens($text)
	    + sum0 map { tokens($_->{name} . $_->{arguments}) } @calls;

	$prompt += tokens(to_json($ask->{tools})) if $ask->{tools};
	return {
		prompt_tokens     => $prompt,
		completion_tokens => $said,
		total_tokens      => $prompt + $said,
		completion_tokens_details => { reasoning_tokens => $reasoning },
	};
}

1;
