package Demo::Sentences;

# The sentences of the demo's answers, in the two languages it speaks.

use v5.36;
use utf8;

use Exporter qw(import);

our @EXPORT_OK = qw(sentences_in);

my %EN = (
	demo      => 'This is a demo answer: there is no language model behind it.',
	asked     => 'You asked: “%s”',
	silent    => 'You asked nothing in words.',
	turn      => 'It is question %d of this conversation; the one before was “%s”.',
	context   => 'With it came %d characters of context.',
	nearest   => 'What comes nearest to your question there:',
	nothing   => 'None of it shares a word with your question.',
	nocontext => 'No context came with the question.',
	image     => 'A demo cannot see the pictures you attached (%d).',
	tool      => 'The tool %s answered: %s',
	sound     => '[demo] A recording arrived: %s, %d bytes, %.1f seconds; a demo is deaf.',
	file      => '[demo] A file arrived: %s, %d bytes; a demo is deaf.',
	hit       => 'Demo page %d about “%s”',
	snippet   => 'A demo has searched nothing: this page does not exist.',
	brisk     => 'With a real model behind this address you would now read a short answer.',
	title     => 'About your question',
	received  => '| What arrived | How much |',
	rows      => ['words in the question', 'earlier questions', 'context texts',
	    'context characters'],
	found     => 'Nearest in the context',
	real      => 'To get a real answer',
	steps     => [
		'Take an address that speaks the OpenAI protocol.',
		'Register it as a model in place of this demo.',
		'Ask again: nothing else changes.',
	],
	think     => [
		'The question has %d words.',
		'Perhaps “%s” is what it is about.',
		'There is no model here that could know the answer, and to invent one is wrong.',
		'So I say what arrived, what I can find in it, and what I am.',
	],
	honest    => 'In short: I count words but know nothing. **A demo** answered you.',
	tale      => [
		'Let me tell you instead what happened just now. Your question was taken by a web '
		. 'server, handed to a worker, written into a database and sent on to me, as it '
		. 'would be sent to a real model.',
		'Now my answer comes back the same way, a few letters at a time. Each of these '
		. 'little pieces is an event of its own, and none of them waits for the next; that '
		. 'is why you see the text grow.',
		'You can interrupt me whenever you like. I notice it at once, because the line to '
		. 'me is closed, and I stop talking; what was said until then is kept.',
		'Perhaps others answer beside me. Some are quicker, some are tidier, and one of '
		. 'them thinks aloud before it speaks. All of us are the same demo, and none of us '
		. 'knows more than you told us.',
	],
	end       => 'That is the story. When a real model takes my place, the way stays the same.',
);

my %ZH = (
	demo      => '这是演示回答：背后没有语言模型。',
	asked     => '您的问题是：“%s”',
	silent    => '您没有输入文字问题。',
	turn      => '这是本次会话的第 %d 个问题，上一个问题是“%s”。',
	context   => '随问题收到的上下文共 %d 个字符。',
	nearest   => '其中与您的问题最接近的内容：',
	nothing   => '其中没有与问题相同的词语。',
	nocontext => '问题没有附带上下文。',
	image     => '您附上了 %d 张图片，演示程序看不到图片内容。',
	tool      => '工具 %s 返回：%s',
	sound     => '【演示】收到录音 %s：%d 字节，%.1f 秒。演示程序听不懂内容。',
	file      => '【演示】收到文件 %s：%d 字节。演示程序听不懂内容。',
	hit       => '演示网页 %d：“%s”',
	snippet   => '演示并未搜索：这个网页并不存在。',
	brisk     => '如果这个地址背后是真实的模型，您现在看到的就是一段简短的回答。',
	title     => '关于您的问题',
	received  => '| 收到的内容 | 数量 |',
	rows      => ['问题中的词语', '之前的问题', '上下文段数', '上下文字符数'],
	found     => '上下文中最接近的内容',
	real      => '如何得到真实的回答',
	steps     => [
		'准备一个兼容 OpenAI 协议的地址。',
		'把它登记为模型，替换本演示。',
		'再问一次，其他都不用改变。',
	],
	think     => [
		'问题拆开有 %d 个词语。',
		'重点也许是“%s”。',
		'这里没有能够知道答案的模型，编造一个答案是不对的。',
		'所以我只说明收到了什么、能找到什么，以及我是谁。',
	],
	honest    => '总之：我会数词、会比较词语，但我什么都不知道。回答您的是**演示程序**。',
	tale      => [
		'不如让我讲讲刚才发生了什么。您的问题先由网站服务器接收，交给一个工作进程，'
		. '写入数据库，'
		. '然后转发给我，就像转发给真实的模型一样。',
		'现在我的回答沿着同一条路返回，每次只有几个字。每一小段都是一个独立的事件，'
		. '不会等待下一段，'
		. '所以您能看到文字逐渐变长。',
		'您随时可以打断我。连接一断开，我立刻就会知道并停止说话，'
		. '已经说出的内容会被保存下来。',
		'也许还有别的回答和我并排出现：有的更快，有的更整齐，还有一个会先把思考说出来。'
		. '我们都是同一个演示程序，除了您提供的内容，谁都不知道更多。',
	],
	end       => '故事讲完了。等真实的模型来到我的位置，这条路依然不变。',
);

# The sentences in Chinese (zh) or English, by their names.
sub sentences_in ($language) { return $language eq 'zh' ? \%ZH : \%EN }

1;
