<?php
/**
 * Functions and names that themes and other plugins use.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy {

	defined( 'ABSPATH' ) || exit;

	/**
	 * The address of one of the site's pages.
	 *
	 * Names: catalog, category, course, lesson, quiz, student-dashboard, account-courses, account-quiz-results,
	 * account-certificates, account-billing, account-details, account-membership, account-notifications,
	 * account-instructor-profile, unsubscribe, become-instructor, instructor-dashboard, course-editor, instructor,
	 * membership-pricing, checkout, certificate-verify, login, register.
	 *
	 * @param string $name Route name.
	 * @param array  $args `slug` (course, quiz, instructor, category), `course` and `lesson` or `id` (lesson), `uuid` (certificate-verify), `id` (course-editor).
	 * @return string Empty for an unknown name or a missing argument.
	 */
	function route_url( string $name, array $args = array() ): string {
		return Page_Routes::url( $name, $args );
	}

	/**
	 * The plugin, for code that asks whether it is there.
	 */
	final class Learnomy {

		/**
		 * The one instance.
		 *
		 * @var Learnomy|null
		 */
		private static $instance;

		/**
		 * The plugin.
		 *
		 * @return Learnomy
		 */
		public static function instance(): self {
			if ( null === self::$instance ) {
				self::$instance = new self();
			}
			return self::$instance;
		}

		/**
		 * Version that integrations compare.
		 *
		 * @return string
		 */
		public function version(): string {
			return LEARNOMY_VERSION;
		}
	}
}

namespace {

	/**
	 * The plugin.
	 *
	 * @return \Learnomy\Learnomy
	 */
	function learnomy(): \Learnomy\Learnomy {
		return \Learnomy\Learnomy::instance();
	}
}
