// The fields of a policy: how each is shown, and what change it makes.

const whole = (label, name, hint) => ({
  label, name, kind: 'number', hint, show: (policy) => String(policy[name]), change: (text) => ({ [name]: wholeNumber(text, label) }),
});
const yesNo = (label, name) => ({ label, name, kind: 'switch', show: (policy) => policy[name], change: (isOn) => ({ [name]: isOn }) });

const runtime = (label, window) => ({
  label, name: `runtime-${window}`, kind: 'number', placeholder: 'no limit',
  show: (policy) => text(policy.runtime_seconds[window]), change: (value) => ({ runtime_seconds: { [window]: orNone(value, label) } }),
});

const ofSubject = (label, name, show, change, placeholder = 'no limit') => ({
  label, name: `subject-${name}`, kind: 'number', placeholder, show, change: (value) => ({ subject: change(value) }),
});

export const GROUPS = [
  ['Calls', 'How often, and how many at once.', [
    { label: 'Rate', name: 'rate', hint: 'Like 10/s, 600/min or 1000/h.', show: (policy, rate) => rate(policy.rate).replaceAll(',', ''), change: (value) => ({ rate: value }) },
    { label: 'Burst', name: 'burst', kind: 'number', show: (policy) => String(policy.rate.burst), change: (value) => ({ burst: wholeNumber(value, 'Burst') }) },
    whole('Executions at once', 'executions'), whole('Sandboxes at once', 'sandboxes'),
    whole('Guaranteed sandboxes', 'guaranteed_sandboxes', 'Free upstream for this tenant whatever others do.'),
  ]],
  ['Runtime', 'Seconds in which sandboxes are held. Empty: not limited.', [
    runtime('An hour', 'hour'), runtime('A day', 'day'), runtime('A month', 'month'),
    { label: 'Longest execution', name: 'timeout', kind: 'number', hint: 'Seconds.', show: (policy) => text(policy.timeout_seconds), change: (value) => ({ timeout_seconds: amount(value, 'Longest execution') }) },
  ]],
  ['Each subject', 'Of the tenant’s end users, each. Empty: not limited apart.', [
    ofSubject('Rate', 'rate', (policy, rate) => (policy.subject?.rate ? rate(policy.subject.rate).replaceAll(',', '') : ''), (value) => ({ rate: value === '' ? null : value })),
    ofSubject('Executions at once', 'executions', (policy) => text(policy.subject?.executions), (value) => ({ executions: value === '' ? null : wholeNumber(value, 'Executions at once') })),
    ...['hour', 'day', 'month'].map((window) => ofSubject(`Seconds a${window === 'hour' ? 'n' : ''} ${window}`, window, (policy) => text(policy.subject?.runtime_seconds?.[window]),
      (value) => ({ runtime_seconds: { [window]: orNone(value, `Seconds a ${window}`) } }))),
  ]],
  ['What may run', null, [
    { label: 'Templates', name: 'templates', hint: 'With commas; the first is the default.', show: (policy) => policy.templates.join(', '), change: (value) => ({ templates: words(value) }) },
    { label: 'Ports that are reached', name: 'user_ports', hint: 'Of sandboxes of its own, with commas.', show: (policy) => policy.user_ports.join(', '), change: (value) => ({ user_ports: words(value).map((port) => wholeNumber(port, 'A port')) }) },
    yesNo('Its sandboxes may reach the internet', 'egress'), yesNo('Only signed requests', 'signed_only'),
    yesNo('The code of executions is kept, sealed', 'records_code'), yesNo('The limits only judge (shadow)', 'shadow'),
  ]],
  ['Sizes', 'Bytes.', [whole('Body', 'body_bytes'), whole('Code', 'code_bytes'), whole('Context data', 'context_bytes'), whole('Output', 'output_bytes')]],
];

export const FIELDS = GROUPS.flatMap(([, , fields]) => fields);

/** The change that these fields make together, as the gateway takes it. Throws an error that names a field it cannot read. */
export function changeOf(changes) {
  const all = {};
  for (const [field, value] of changes) merge(all, field.change(value));
  return all;
}

function merge(all, change) {
  for (const [name, value] of Object.entries(change)) {
    const isObject = (each) => each !== null && typeof each === 'object' && !Array.isArray(each);
    if (isObject(value) && isObject(all[name])) merge(all[name], value);
    else all[name] = value;
  }
}

const text = (value) => (value === null || value === undefined ? '' : String(value));
const words = (value) => value.split(',').map((word) => word.trim()).filter(Boolean);
const orNone = (value, label) => (value === '' ? null : amount(value, label));

function amount(value, label) {
  const number = Number(value);
  if (value === '' || !Number.isFinite(number) || number < 0) throw new Error(`${label} must be a number from 0 on.`);
  return number;
}

function wholeNumber(value, label) {
  const number = amount(value, label);
  if (!Number.isInteger(number)) throw new Error(`${label} must be a whole number.`);
  return number;
}
