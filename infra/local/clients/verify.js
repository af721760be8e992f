// Verifies one notification, given as JSON on standard input, by Cloudinary's
// npm SDK, and tells whether its body survives being parsed and serialised.
// CLOUDINARY_URL is in the environment, where the SDK looks for it.
const cloudinary = require('cloudinary').v2;

let input = '';
process.stdin.on('data', (chunk) => { input += chunk; });
process.stdin.on('end', () => {
  const { body, timestamp, signature } = JSON.parse(input);
  console.log(JSON.stringify({
    verified: cloudinary.utils.verifyNotificationSignature(body, Number(timestamp), signature),
    verifiedTampered: cloudinary.utils.verifyNotificationSignature(body + ' ', Number(timestamp), signature),
    survives: JSON.stringify(JSON.parse(body)) === body,
  }));
});
