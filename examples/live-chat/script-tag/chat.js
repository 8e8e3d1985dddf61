import { Beacon } from '/client.js';

const [list, form, input, present, alert] = ['ul', 'form', 'input', 'output', '[role=alert]'].map((selector) =>
  document.querySelector(selector),
);
const room = new Beacon('/').channel('chat:kitchen');

const count = async () => (present.textContent = (await room.presence()).length);
const fail = ({ message }) => Object.assign(alert, { textContent: message, hidden: false });

room.on('join', count);
room.on('leave', count);
room.on('error', fail);
room
  .subscribe({
    since: '10m',
    onPublication: ({ data }) => list.append(Object.assign(document.createElement('li'), { textContent: data.text })),
  })
  .ready.then(count, fail);

form.addEventListener('submit', (event) => {
  event.preventDefault();
  room.publish({ text: input.value }).catch(fail);
  input.value = '';
});
