// Elements out of values. Text is always text: nothing here, nor anywhere in the console, takes markup.

const SVG = 'http://www.w3.org/2000/svg';

/** An HTML element. `onclick` and the like are listeners, `style` is an object; null, undefined and false are left out. */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same of SVG. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Puts other children in place of those that are there. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** The same for what is shown anew while somebody may be in it: the focus stays where it is. */
export function refresh(element, ...children) {
  const reached = () => [...element.querySelectorAll('a, button, summary')];
  const index = element.contains(document.activeElement) ? reached().indexOf(document.activeElement) : -1;
  fill(element, ...children);
  if (index >= 0) reached()[index]?.focus();
  return element;
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'style') for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

let ids = 0;

/** A new id, for labels and descriptions. */
export const newID = (word = 'part') => `${word}-${++ids}`;
