// The site's own service, as NumerBay's app calls it: the profile of the person who is logged in.

const USERS_ME = "/backend-api/v1/users/me";

/**
 * @typedef {object} User what is used of it here
 * @property {string | null} public_address
 * @property {string | null} public_key_v2
 * @property {string | null} encrypted_private_key_v2
 * @property {string | null} social_discord
 * @property {string | null} social_linkedin
 * @property {string | null} social_twitter
 * @property {string | null} social_website
 */

/** @param {RequestInit} [request] @returns {Promise<User>} */
async function call(request) {
  const response = await fetch(USERS_ME, request);
  if (!response.ok) throw new Error(`The profile could not be reached (${response.status}).`);
  return response.json();
}

/** @returns {Promise<User>} */
export function getUser() {
  return call();
}

/** @param {object} fields @returns {Promise<User>} */
export function updateUser(fields) {
  return call({ method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(fields) });
}
