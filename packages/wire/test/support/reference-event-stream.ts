/** What an event stream says, read whole. */
export interface EventStream {
  readonly events: { event: string; data: string; lastEventId: string }[];
  readonly lastEventId: string;
  readonly retry: number | undefined;
}

/**
 * WHATWG HTML §9.2.6, sentence by sentence: slow, of the whole text at once, and written apart from SseParser. The byte
 * order mark that "UTF-8 decode" strips is left out here.
 */
export function readEventStream(text: string): EventStream {
  // stream = [ bom ] *event; end-of-line = ( cr lf / cr / lf ). What follows the last of them is no line.
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .slice(0, -1);
  const events: EventStream['events'] = [];
  let [dataBuffer, eventTypeBuffer, lastEventIdBuffer] = ['', '', ''];
  let lastEventId = '';
  let retry: number | undefined;

  const processField = (field: string, value: string): void => {
    switch (field) {
      case 'event':
        eventTypeBuffer = value;
        break;
      case 'data':
        dataBuffer += `${value}\n`;
        break;
      case 'id':
        if (!value.includes('\u0000')) lastEventIdBuffer = value;
        break;
      case 'retry':
        if (value !== '' && [...value].every((digit) => '0123456789'.includes(digit)))
          retry = Number.parseInt(value, 10);
        break;
    }
  };

  const dispatch = (): void => {
    lastEventId = lastEventIdBuffer;
    if (dataBuffer !== '') {
      const data = dataBuffer.endsWith('\n') ? dataBuffer.slice(0, -1) : dataBuffer;
      events.push({ event: eventTypeBuffer || 'message', data, lastEventId });
    }
    dataBuffer = '';
    eventTypeBuffer = '';
  };

  for (const line of lines) {
    if (line === '') {
      dispatch();
    } else if (line.startsWith(':')) {
      continue;
    } else if (line.includes(':')) {
      const [field = '', ...rest] = line.split(':');
      const value = rest.join(':');
      processField(field, value.startsWith(' ') ? value.slice(1) : value);
    } else {
      processField(line, '');
    }
  }
  return { events, lastEventId, retry };
}
