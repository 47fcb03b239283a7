// How values read. Times are the reader's own, with the exact instant at hand.

import { h } from './dom.js';

const numbers = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const number = (value) => numbers.format(value);
export const compact = (value) => (Math.abs(value) < 10_000 ? numbers.format(Math.round(value * 100) / 100) : short.format(value));

/** Milliseconds: 850 ms, 12.4 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function duration(ms) {
  if (ms === 0) return '0 s';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${trimmed(seconds)} s`;
  const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
  let left = Math.round(seconds);
  const parts = [];
  for (const [name, size] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 || parts.length > 0) parts.push(count > 0 ? `${count} ${name}` : '');
    if (parts.length === 2) break;
  }
  return parts.filter(Boolean).join(' ');
}

const trimmed = (value) => String(Math.round(value * 10) / 10);

export function bytes(count) {
  for (const [name, size] of [['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]]) {
    if (count >= size) return `${trimmed(count / size)} ${name}`;
  }
  return `${count} B`;
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

export const clockTime = (instant) => clock.format(new Date(instant));
export const dayName = (instant) => day.format(new Date(instant));
export const fullTime = (instant) => full.format(new Date(instant));

/** How long ago, or how long until: "3 min ago", "in 2 h". */
export function distance(instant, now = Date.now()) {
  const ms = new Date(instant).getTime() - now;
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds < 5) return 'now';
  const [count, unit] = seconds < 60 ? [seconds, 's'] : seconds < 3600 ? [Math.round(seconds / 60), 'min']
    : seconds < 86400 ? [Math.round(seconds / 3600), 'h'] : [Math.round(seconds / 86400), 'd'];
  return ms < 0 ? `${count} ${unit} ago` : `in ${count} ${unit}`;
}

/** An instant as an element that tells how far it is, and exactly when. */
export function time(instant, otherwise = 'never') {
  if (!instant) return h('span', { class: 'muted' }, otherwise);
  return h('time', { class: 'distance', datetime: instant, title: `${fullTime(instant)} (${instant})` }, distance(instant));
}

/** Has these elements tell it anew: they grow old while nothing else changes. */
export function retell(within) {
  for (const element of within.querySelectorAll('time.distance')) {
    const words = distance(element.dateTime);
    if (element.textContent !== words) element.textContent = words;
  }
}

/** The same with the date and the clock. */
export function moment(instant) {
  return h('time', { datetime: instant, title: instant }, fullTime(instant));
}

/** A rate as people write it: 10/s, 600/min. */
export function rate({ permits, period_seconds: period }) {
  const unit = { 1: 's', 60: 'min', 3600: 'h' }[period] ?? `${period}s`;
  return `${number(permits)}/${unit}`;
}

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
