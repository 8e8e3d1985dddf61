import { parseSince, quote, type Since, WireError } from '@pulsebeacon/wire';
import type { HubRequest } from './request.ts';

/** The one value of a parameter. @throws {WireError} `PB_QUERY_INVALID` where it is there twice: which one counts? */
export function oneOf(request: HubRequest, name: string): string | undefined {
  if (!request.hasQuery) return undefined;
  const values = request.query.getAll(name);
  if (values.length > 1) throw new WireError('PB_QUERY_INVALID', `${name} is in the query ${values.length} times`);
  return values[0];
}

/** `?follow`, `?follow=1`; off where it is not there. @throws {WireError} `PB_QUERY_INVALID` */
export function flagOf(request: HubRequest, name: string, byDefault = false): boolean {
  const value = oneOf(request, name);
  if (value === undefined) return byDefault;
  if (value === '' || value === '1' || value === 'true') return true;
  if (value === '0' || value === 'false') return false;
  throw new WireError('PB_QUERY_INVALID', `${name} is ${quote(value)}: give ${name}, or ${name}=0`);
}

/** Where to begin. @throws {WireError} `PB_QUERY_INVALID`, `PB_POSITION_INVALID` */
export function sinceOf(request: HubRequest): Since | undefined {
  const since = oneOf(request, 'since');
  return since === undefined ? undefined : parseSince(since);
}

/** A whole number. @throws {WireError} `PB_QUERY_INVALID` */
export function numberOf(request: HubRequest, name: string, least: number): number | undefined {
  const value = oneOf(request, name);
  if (value === undefined) return undefined;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : -1;
  if (number >= least) return number;
  throw new WireError('PB_QUERY_INVALID', `${name} is ${quote(value)}: give a whole number from ${least}`);
}
