"use strict";

const SIGN_INS = ["/api/auth/login", "/api/auth/refresh"];

// What Swagger UI leaves out for those who do not see the page: by selector, the attributes that are missing.
const MISSING = {
  "#operations": { role: "region", "aria-label": "Operations" },
  "h3.opblock-tag, section.models > h4, .modal-ux h3": { "aria-level": "2" },
  ".opblock h4, .modal-ux h4": { "aria-level": "3" },
  ".opblock h5, .modal-ux h6": { "aria-level": "4" },
  "#servers": { "aria-label": "Server" },
  "textarea.body-param__text": { "aria-label": "Request body" },
  ".modal-ux": { role: "dialog", "aria-label": "Authorize" },
  ".close-modal": { "aria-label": "Close" },
  ".json-schema-2020-12-accordion:has(> .json-schema-2020-12-accordion__children:empty)": { "aria-label": "Members" },
};

function mend() {
  for (const [selector, attributes] of Object.entries(MISSING)) {
    for (const element of document.querySelectorAll(selector)) {
      Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    }
  }
  for (const field of document.querySelectorAll("[data-param-name] :is(input, select, textarea)")) {
    field.ariaLabel = field.closest("[data-param-name]").dataset.paramName;
  }
  for (const example of document.querySelectorAll(".microlight")) {
    if (example.scrollHeight > example.clientHeight || example.scrollWidth > example.clientWidth) {
      example.tabIndex = 0;
    }
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");

function follow() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

const ui = SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  syntaxHighlight: { theme: "arta" },
  // A path is part of the button that opens its operation, where no link may be; the address follows all the same.
  plugins: [() => ({ wrapComponents: { DeepLink: () => ({ text }) => text } })],
  // Whoever signs in is authorized as long as the page is open: the token is in its memory and nowhere else.
  responseInterceptor: (response) => {
    if (response.ok && SIGN_INS.includes(new URL(response.url).pathname)) {
      ui.preauthorizeApiKey("bearer", response.body.access_token);
    }
    return response;
  },
});

new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
dark.addEventListener("change", follow);
follow();
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    document.querySelector(".close-modal")?.click();
  }
});
